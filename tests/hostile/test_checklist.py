"""All 238 cases of the reliability checklist are there, and each points at a test that exists."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent


@functools.cache
def _functions(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    defined = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in defined)


@functools.cache
def _texts(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@pytest.fixture
def cases(checklist, rows) -> dict[str, tuple[str, ...]]:
    """The tests of each id."""
    table = {row.id for row in rows.PERSON}
    found = {id: (f"hostile/test_http_requests.py::test_row[{id}]",) for id in table if len(id) == 3}
    return found | {id: case.tests for id, case in checklist.ELSEWHERE.items()}


def test_all_238_cases_are_there(checklist, rows, cases):
    wanted = {f"{letter}{n:02}" for letter, count in checklist.COUNTS.items() for n in range(1, count + 1)}
    assert len(wanted) == 238
    assert set(cases) | set(checklist.ELSEWHERE_SOON) == wanted
    assert set(cases) & set(checklist.ELSEWHERE_SOON) == set()
    assert {row.id for row in rows.PERSON} == {row.id for row in rows.CRAWLER}
    assert len({row.id for row in rows.PERSON}) == len(rows.PERSON)


def test_each_points_at_a_test_that_exists(rows, cases):
    table = {row.id for row in rows.PERSON}
    missing = []
    for id, tests in cases.items():
        assert tests, id
        for test in tests:
            file, name, row = re.fullmatch(r"(\S+\.py)::(\w+)(?:\[(.+)\])?", test).groups()
            known = name in _functions(file) if (TESTS / file).is_file() else False
            if not known or (row and row not in table | _texts(file)):
                missing.append((id, test))
    assert missing == []


def test_each_says_what_must_happen(checklist, rows):
    assert all(case.expected for case in checklist.ELSEWHERE.values())
    assert all(row.case and row.octets for row in (*rows.PERSON, *rows.CRAWLER))
    for row in (*rows.PERSON, *rows.CRAWLER):
        assert bool(row.saw) == (row.outcome in {"pass", "either"}), row.id
        assert row.outcome in {"pass", "either"} or row.codes != rows.ANY, row.id
