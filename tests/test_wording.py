"""No text that people read calls unlicensed access a crime: it states terms, and what the law leaves free."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from typer.main import get_command

from gateway.app.publisher import Publisher
from gateway.cli import app as cli
from gateway.desk.license_page import license_page
from gateway.desk.pages import index_page, problem_page
from gateway.front.refusal_page import refusal_page
from gateway.policy.reading import default_policy, stances
from gateway.policy.rules import Mode
from gateway.problems import Problem, Refusal
from gateway.terms.payment_required import problem_body
from gateway.terms.terms_version import terms_version
from gateway.visitors.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent
CRIME = r"illegal\w*|unlawful\w*|pira(?:cy|te\w*|ting)|criminal\w*|crime\w*|loot\w*|robbe\w*|plunder\w*"
THEFT = r"theft\w*|thie(?:f|ves)|steal\w*|stole\w*"
BANNED = re.compile(rf"\b({CRIME}|{THEFT})\b", re.IGNORECASE)
#: What may speak of a key that was taken from its holder: texts about attacks, and what developers read.
OF_ATTACKS = re.compile(rf"\b({CRIME})\b", re.IGNORECASE)
_ATTACKS = {"THREAT_MODEL.md", "SECURITY.md"}
#: Words of a parser that are looked for, and replaced by better ones.
_LOOKED_FOR = {"Illegal character '\\n'"}
PUBLISH = Publisher(Catalog.shipped())
ORIGIN = "https://journal.example"


def shipped():
    """Every file of text that is delivered or read beside the program."""
    yield from ROOT.glob("*.md")
    for folder in ("policies", "static", "gateway"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and file.suffix in {
                ".md",
                ".toml",
                ".json",
                ".html",
                ".css",
                ".js",
                ".svg",
                ".sql",
                ".txt",
            }:
                yield file


def docstring_of(node):
    """The constant that is the docstring of *node*, or None."""
    held = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    first = node.body[0] if held and node.body else None
    return first.value if isinstance(first, ast.Expr) else None


def test_the_words_are_found_where_they_stand():
    for text in ("This is ILLEGAL.", "piracy", "they steal works", "stolen", "a thief"):
        assert BANNED.search(text), text
    for text in ("permitted", "robots", "legal", "robot"):
        assert not BANNED.search(text), text


def test_no_shipped_file_has_them():
    files = list(shipped())
    assert len(files) > 50
    for file in files:
        banned = OF_ATTACKS if file.name in _ATTACKS else BANNED
        found = banned.search(file.read_text(encoding="utf-8"))
        assert found is None, f"{file.relative_to(ROOT)}: {found}"


def test_no_text_of_the_program_has_them():
    literals = 0
    for file in (ROOT / "gateway").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documented = set(map(id, map(docstring_of, ast.walk(tree))))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value not in _LOOKED_FOR
            ):
                literals += 1
                banned = OF_ATTACKS if id(node) in documented else BANNED
                assert not banned.search(node.value), f"{file.relative_to(ROOT)}:{node.lineno}"
    assert literals > 5000


def test_no_command_s_help_has_them():
    def helps(command, names=()):
        yield names, command.help or ""
        for parameter in command.params:
            yield names, getattr(parameter, "help", None) or ""
        for name, inner in getattr(command, "commands", {}).items():
            yield from helps(inner, (*names, name))

    told = list(helps(get_command(cli)))
    assert len(told) > 50
    for names, text in told:
        assert not BANNED.search(text), names


@pytest.mark.parametrize("stance", stances())
def test_the_pages_state_the_reservation_and_its_limits_instead(stance):
    policy = default_policy("http://127.0.0.1:1", mode=Mode.ENFORCE, stance=stance)
    terms = PUBLISH(policy, ORIGIN)
    version = terms_version(terms)
    page = license_page(version.document, name=version.name, first_at=0, desk="/.licet")
    texts = [page, index_page(policy, ORIGIN).body.decode()]
    for problem in Problem:
        body = problem_body(
            Refusal(problem, "The fact."), type_base=f"{ORIGIN}/.licet/problems", offers=policy.offers,
            uses=frozenset(), terms=terms, request_url=f"{ORIGIN}/", quoted=policy.offers[0] if policy.offers else None,
        )  # fmt: skip
        texts += [problem_page(problem).body.decode(), refusal_page(body).decode(), str(body)]
    for text in texts:
        assert not BANNED.search(text)
    assert "Nothing here limits what the law allows without a license" in page
    assert ("expressly reserves" in page) or ("none of them is reserved" in page)
