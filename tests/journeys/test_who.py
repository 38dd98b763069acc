"""`licet who`: one request, a whole log, a stream of requests."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("LICET_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
KEYS = ["class", "name", "operator", "purposes", "identity", "confidence", "reasons"]
LOG = r"""
192.0.2.7 - - [24/Nov/2026:10:05:03 +0000] "GET /a HTTP/1.1" 200 1000 "-" "GPTBot/1.2"
132.196.86.7 - - [24/Nov/2026:10:05:04 +0000] "GET /a HTTP/1.1" 200 24 "-" "GPTBot/1.2"
site.example:443 132.196.86.7 - - [24/Nov/2026:10:05:04 +0000] "GET /b HTTP/1.1" 304 - "-" "GPTBot/1.2" "extra"
"203.0.113.9 - anna [24/Nov/2026:12:05:04 +0200] "GET /\"b HTTP/1.1" 200 5 "-" "curl/8.5.0""
203.0.113.9 - - [24/Nov/2026:10:05:04 +0000] "\x16\x03\x01" 400 150 "-" "-"
203.0.113.9 - - [24/Nov/2026:10:05:04 +0000] "GET / HTTP/1.1" 200 7

not a line of a log
"""


async def test_one_request_is_explained(licet) -> None:
    said = (await licet("who", "--ua", "GPTBot/1.2", "--ip", "203.0.113.9")).out
    assert said.startswith("claimed to be GPTBot; not proven (address not in the published list of 20")
    assert "-0.95  ip_not_in:openai-gptbot" in said
    assert "from an address in the published list openai-gptbot: GPTBot, class ai, identity verified" in said
    told = json.loads((await licet("who", "--ua", "GPTBot/1.2", "--ip", "132.196.86.7", "--json")).out)
    assert list(told)[:7] == KEYS
    assert (told["identity"], told["method"]) == ("verified", "network")
    assert {each["reason"] for each in told["evidence"]} == set(told["reasons"])


async def test_headers_count_where_they_are_given(licet) -> None:
    bare = json.loads((await licet("who", "--ua", CHROME, "--json")).out)
    assert (bare["class"], bare["told"]) == ("unproven", "no evidence of automation")
    told = json.loads((await licet("who", "--ua", CHROME, "--header", "Accept: */*", "--json")).out)
    assert (told["class"], told["reasons"][0]) == ("automation", "header_contradictions")
    assert {"if": "with the headers that its browser sends", "then": "class unproven, identity none"} in (
        told["would_change"]
    )


async def test_what_cannot_be_asked_is_said(licet) -> None:
    assert "say who" in (await licet("who", code=2)).err
    assert "NAME: VALUE" in (await licet("who", "--ua", "x", "--header", "nonsense", code=2)).err
    assert "nowhere.log" in (await licet("who", "nowhere.log", code=2)).err


async def test_a_log_is_classified(licet) -> None:
    (licet.folder / "access.log").write_text(LOG)
    done = await licet("who", "access.log", "--json")
    told = json.loads(done.out)
    rows = {
        (row["class"], row["name"], row["identity"]): (row["requests"], row["bytes"]) for row in told["rows"]
    }
    assert rows == {
        ("ai", "GPTBot", "verified"): (2, 24),
        ("ai", "GPTBot", "spoofed"): (1, 1000),
        ("automation", "-", "claimed"): (1, 5),
        ("automation", "-", "none"): (1, 150),
        ("-", "(the log has no User-Agent)", "-"): (1, 7),
    }
    assert told["not_understood"] == 1
    table = (await licet("who", "access.log")).out.splitlines()
    assert table[0].split() == ["CLASS", "NAME", "OPERATOR", "IDENTITY", "REQUESTS", "BYTES"]
    assert table[1].split() == ["ai", "GPTBot", "OpenAI", "verified", "2", "24"]
    (licet.folder / "empty.log").write_text("nothing\n")
    assert "no line of an access log" in (await licet("who", "empty.log", code=1)).err


async def test_a_list_of_today_calls_nobody_forged_in_an_old_log(licet) -> None:
    (licet.folder / "old.log").write_text(LOG.replace("2026", "2015"))
    rows = json.loads((await licet("who", "old.log", "--json")).out)["rows"]
    assert {row["identity"] for row in rows if row["name"] == "GPTBot"} == {"verified", "unverifiable"}


@pytest.mark.skipif(not (DATA / "access_logs").is_dir(), reason="LICET_TEST_DATA is not here")
async def test_real_logs_are_read(licet) -> None:
    understood = {}
    for path in sorted((DATA / "access_logs").glob("*.log")):
        told = json.loads((await licet("who", path, "--json")).out)
        lines = sum(1 for line in path.read_bytes().splitlines() if line.strip())
        understood[path.name] = sum(row["requests"] for row in told["rows"]) / lines
        assert sum(row["requests"] for row in told["rows"]) + told["not_understood"] == lines
        assert not [row for row in told["rows"] if row["identity"] == "spoofed"], path.name
    assert len(understood) == 4
    # One of them holds the error logs and examples of a dozen other programs on purpose.
    assert all(share > (0.7 if "crowdsec" in name else 0.99) for name, share in understood.items()), (
        understood
    )


async def test_a_stream_answers_line_by_line(licet) -> None:
    lines = [
        json.dumps({"ua": "GPTBot/1.2", "ip": "132.196.86.7", "at": 1_795_478_400}),
        json.dumps({"headers": [["User-Agent", CHROME], ["Accept", "*/*"]], "ip": "203.0.113.9"}),
        json.dumps({"ua": CHROME, "headers": [], "ip": None}),
        "",
        "nonsense",
        "[]",
        json.dumps({"ua": 7}),
        json.dumps({"headers": {"user-agent": "x"}}),
        json.dumps({"headers": [["a", "b", "c"]]}),
        json.dumps({"at": "yesterday"}),
        json.dumps({"at": "2026-11-20T00:00:00Z", "ua": "\u00fc\u202e" * 2000}),
        "{}",
    ]
    done = await licet("who", "--jsonl", stdin="\n".join(lines), code=1)
    told = [json.loads(line) for line in done.out.splitlines()]
    assert [list(each) for each in told[:3]] == [KEYS] * 3
    assert [each.get("class") for each in told[:3]] == ["ai", "automation", "unproven"]
    assert told[0]["purposes"] == ["training"]
    assert [each.get("line") for each in told[3:]] == [5, 6, 7, 8, 9, 10, None, None]
    assert told[-1]["reasons"] == ["no_user_agent"]
    (licet.folder / "good.jsonl").write_text(lines[0])
    assert json.loads((await licet("who", "--jsonl", "good.jsonl")).out) == told[0]
    assert json.loads((await licet("who", "--jsonl", "-", stdin=lines[0])).out) == told[0]
