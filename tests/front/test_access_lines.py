"""Lines of access logs: one line each, read back by other programs, whatever a client sent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.access_log import read_line, read_passed
from gateway.front.access_lines import FORMATS, combined, ecs, json_line, ocsf
from gateway.provenance.record import FetchDetail, FetchRecord

RECORD = FetchRecord(
    "018f5d1c-7b1e-7000-8000-0123456789ab", 1_431_849_903_250_000, 3_500, "journal", "journal.example:8443", "GET", "/a",
    "ai", "verified", "network", "license", "rules[0]", "f" * 64, "enforce", "licensed", 200, 1234, "complete", "d",
    crawler="GPTBot", licensee="le_1", license="lic_1", currency="USD", charged_micros=5_000, content_type="text/html",
)  # fmt: skip
DETAIL = FetchDetail("192.0.2.7", "127.0.0.1", 'GPTBot/1.2 "quoted"', "https://x.example/", "q=1")


def test_combined_is_read_by_a_reader_of_combined():
    line = combined(RECORD, DETAIL).decode()
    hit = read_line(line)
    assert (hit.address, hit.at, hit.method, hit.target) == ("192.0.2.7", 1_431_849_903, "GET", "/a?q=1")
    assert (hit.status, hit.sent, hit.user_agent) == (200, 1234, "GPTBot/1.2 \\x22quoted\\x22")
    assert read_passed(line).record == RECORD.id


def test_ecs_has_its_names_units_and_types():
    told = json.loads(ecs(RECORD, DETAIL))
    assert told["@timestamp"] == "2015-05-17T08:05:03.250000Z"
    assert told["event"]["duration"] == 3_500_000
    assert told["event"]["category"] == ["web"]
    assert told["http"] == {
        "request": {"method": "GET", "referrer": "https://x.example/"},
        "response": {"status_code": 200, "body": {"bytes": 1234}},
    }
    assert told["url"] == {"domain": "journal.example", "path": "/a", "query": "q=1"}
    assert (told["source"], told["user_agent"]) == ({"ip": "192.0.2.7"}, {"original": DETAIL.user_agent})
    assert told["labels"]["licet_crawler"] == "GPTBot"
    assert all(isinstance(value, str) for value in told["labels"].values())


@pytest.mark.parametrize(("method", "activity"), [("GET", 3), ("POST", 6), ("PATCH", 9), ("QUERY", 99)])
def test_ocsf_is_http_activity(method, activity):
    told = json.loads(ocsf(replace(RECORD, method=method), DETAIL))
    assert (told["class_uid"], told["category_uid"], told["activity_id"]) == (4002, 4, activity)
    assert told["type_uid"] == 400200 + activity
    assert (told["time"], told["duration"]) == (1_431_849_903_250, 3)
    assert {
        "metadata",
        "severity_id",
        "http_request",
        "http_response",
        "src_endpoint",
        "dst_endpoint",
    } <= told.keys()
    assert (told["http_request"]["http_method"], told["http_response"]["code"]) == (method, 200)
    assert told["unmapped"]["license"] == "lic_1"


def test_ours_names_units():
    told = json.loads(json_line(RECORD, DETAIL))
    assert (told["record"], told["duration_us"], told["charged_micros"]) == (RECORD.id, 3_500, 5_000)


@given(st.text(), st.text(), st.text())
def test_no_input_makes_two_lines_of_one(path, agent, referer):
    record = replace(RECORD, path=path.encode("utf-8", "replace").decode())
    detail = replace(
        DETAIL,
        user_agent=agent.encode("utf-8", "replace").decode(),
        referer=referer.encode("utf-8", "replace").decode(),
    )
    for name, write in FORMATS.items():
        line = write(record, detail)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert b"\r" not in line
        if name == "combined":
            assert line.decode("ascii").count('"') == 8
            assert read_line(line.decode()) is not None
        else:
            json.loads(line)
