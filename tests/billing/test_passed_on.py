"""Which charges of fetches that a proxy delivered stand once its access log is read."""

from __future__ import annotations

import pytest

from gateway.billing.passed_on import billed, passed_on, unknown

HOUR = 3600 * 1_000_000


def fetch(make, id, **members):
    return make.fetch(**{"id": id, "ended": "passed-on", "digest": "", "etag": "", "unit": "u", **members})


def told(records, sent, since=0, until=1 << 62):
    return {
        each.record: (each.status, each.what)
        for each in billed(records, sent, since_us=since, until_us=until)
    }


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (200, "delivered"),
        (206, "delivered"),
        (404, "given-back"),
        (304, "given-back"),
        (499, "given-back"),
        (500, "given-back"),
        (0, "unseen"),
    ],
)
def test_what_a_status_says(make, status, what):
    sent = {"a": status} if status else {}
    assert told([fetch(make, "a")], sent) == {"a": (status, what)}


def test_a_charge_on_which_a_later_free_fetch_rests_stands(make):
    free = {"charged_micros": 0, "charge_reason": "read-before"}
    records = [fetch(make, "a"), fetch(make, "b", time_us=make.AT + HOUR, **free)]
    assert told(records, {"a": 500, "b": 200}) == {"a": (500, "carried")}
    assert told(records, {"a": 500, "b": 500}) == {"a": (500, "given-back")}
    # Of another resource, or out of the window, nothing rests on it.
    for other in ({"unit": "v"}, {"time_us": make.AT + 24 * HOUR}, {"time_us": make.AT - 1}):
        records[1] = fetch(make, "b", **{**free, "time_us": make.AT + HOUR, **other})
        assert told(records, {"a": 500, "b": 200}) == {"a": (500, "given-back")}


def test_only_what_the_log_spans_and_a_proxy_delivered_is_judged(make):
    records = [
        fetch(make, "a"),
        fetch(make, "b", time_us=make.AT + HOUR),
        make.fetch(id="c"),
        fetch(make, "d", outcome="free"),
    ]
    granted = passed_on(records)
    assert [each.id for each in granted] == ["a", "b"]
    assert told(granted, {}, since=make.AT, until=make.AT) == {"a": (0, "unseen")}
    assert unknown(granted, {"a": 200, "x": 200}) == ("x",)
