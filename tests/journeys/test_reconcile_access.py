"""Lines of access logs that name a record: which are read, and that no line does harm."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.access_log import Passed, read_passed

RECORD = "018f5d1c-7b1e-7000-8000-0123456789ab"
COMBINED = f'192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET /a HTTP/1.1" 404 12 "-" "GPTBot/1.2" "{RECORD}"'


def caddy(**members) -> str:
    return json.dumps(
        {"ts": 1431849903.5, "status": 200, "resp_headers": {"Licet-Record": [RECORD]}, **members}
    )


def test_a_line_with_a_record_is_read():
    assert read_passed(COMBINED + "\n") == Passed(RECORD, 1431849903, 404)
    assert read_passed(caddy()) == Passed(RECORD, 1431849903.5, 200)


def test_other_lines_are_left_out():
    for line in (
        COMBINED.replace(RECORD, ""),
        COMBINED.replace(RECORD, "-"),
        COMBINED.replace(RECORD, RECORD[:-1]),
        COMBINED.replace("GPTBot/1.2", RECORD).removesuffix(f' "{RECORD}"') + ' "-"',
        caddy(resp_headers={}),
        caddy(resp_headers=None),
        caddy(resp_headers={"Licet-Record": [RECORD, RECORD]}),
        caddy(resp_headers={"Licet-Record": [1]}),
        caddy(status="200"),
        caddy(ts=None),
        "{" * 20_000,
        "{}",
        "",
    ):
        assert read_passed(line) is None, line[:80]


@given(st.text())
def test_no_line_raises(text):
    for line in (text, "{" + text, COMBINED + text, caddy() + text):
        assert isinstance(read_passed(line), Passed | None)
