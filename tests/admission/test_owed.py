from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.owed import ABORT_BYTES, owed, unit_of, units_of
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.provenance.record import Ended
from gateway.tokens.claims import Budget

CHARGE = Charge("r", "le_1", "lic_1", Money(5_000, "USD"), Budget())


def _ask(method: str = "GET", path: str = "/a") -> Ask:
    return Ask("r", 0, "s", "https://a.example", method, path, path)


def _delivery(
    status: int = 200, sent: int = 100, ended: Ended = Ended.COMPLETE, length: int = 100, etag: str = ""
) -> Delivery:
    return Delivery(status, sent, f"digest-{sent}", ended, length, "text/html", etag)


def _units(delivery: Delivery, *, path: str = "/a", query: str = "") -> tuple[str, ...]:
    ask = replace(_ask(path=path), query=query)
    return units_of("le_1", "s", path, unit_of("le_1", ask), delivery)


@pytest.mark.parametrize(
    ("method", "delivery", "reason"),
    [
        ("GET", _delivery(), "fetch"),
        ("GET", _delivery(206, 10), "fetch"),
        ("GET", _delivery(sent=0, length=0), "fetch"),
        ("HEAD", _delivery(sent=0), "no-content"),
        ("OPTIONS", _delivery(sent=0), "no-content"),
        ("POST", _delivery(), "fetch"),
        ("QUERY", _delivery(), "fetch"),
        ("GET", _delivery(304, 0), "not-delivered"),
        ("GET", _delivery(404), "not-delivered"),
        ("GET", _delivery(503), "not-delivered"),
        ("GET", _delivery(301), "not-delivered"),
        ("GET", _delivery(ended=Ended.ORIGIN), "broken-off"),
        ("GET", _delivery(ended=Ended.GATEWAY), "broken-off"),
        ("GET", _delivery(sent=10, ended=Ended.CLIENT), "client-left-early"),
        ("GET", _delivery(sent=11, ended=Ended.CLIENT), "fetch"),
        ("GET", _delivery(sent=ABORT_BYTES, ended=Ended.CLIENT, length=10**9), "client-left-early"),
        ("GET", _delivery(sent=ABORT_BYTES + 1, ended=Ended.CLIENT, length=10**9), "fetch"),
        ("GET", _delivery(sent=1, ended=Ended.CLIENT, length=-1), "fetch"),
        ("GET", _delivery(sent=0, ended=Ended.CLIENT, length=-1), "client-left-early"),
    ],
)
def test_what_a_delivery_owes(method: str, delivery: Delivery, reason: str) -> None:
    due = owed(CHARGE, _ask(method), delivery, paid_before=False)
    assert due.reason == reason
    assert due.money == (CHARGE.price if reason == "fetch" else Money(0, "USD"))


@given(
    st.sampled_from(["GET", "HEAD", "POST"]),
    st.integers(100, 599),
    st.integers(0, 10**6),
    st.sampled_from(list(Ended)),
    st.booleans(),
)
def test_never_more_than_the_price_and_never_twice(method, status, sent, ended, before) -> None:
    due = owed(CHARGE, _ask(method), _delivery(status, sent, ended), paid_before=before)
    assert due.money in {CHARGE.price, Money(0, "USD")}
    if before or method == "HEAD" or status not in {200, 206}:
        assert not due.money


def test_the_unit_is_the_content_of_one_path_for_one_licensee() -> None:
    whole = _units(_delivery())
    assert whole == _units(_delivery())
    assert not set(whole) & set(_units(_delivery(), path="/b"))
    assert not set(whole) & set(_units(_delivery(sent=99)))


def test_parts_share_a_unit_with_the_whole_by_entity_tag() -> None:
    part = _units(_delivery(206, 10, etag='"v1"'))
    assert set(part) & set(_units(_delivery(206, 20, etag='"v1"')))
    assert set(part) & set(_units(_delivery(200, etag='"v1"')))
    assert not set(part) & set(_units(_delivery(206, 20, etag='"v2"')))


def test_parts_without_a_strong_tag_count_together() -> None:
    first = _units(_delivery(206, 10))
    assert set(first) & set(_units(_delivery(206, 20)))
    assert set(first) & set(_units(_delivery(206, 20, etag='W/"v"')))


def test_another_query_is_another_resource_unless_its_bytes_are_the_same() -> None:
    for tag in ("", 'W/"v"', '"v1"'):
        one, other = (_units(_delivery(206, 10, etag=tag), query=query) for query in ("id=1", "id=2"))
        assert not set(one) & set(other)
    assert set(_units(_delivery(), query="utm=1")) & set(_units(_delivery(), query="utm=2"))


def test_what_the_sites_own_proxy_delivers_owes_once_for_each_resource_query_and_all() -> None:
    passed = Delivery(200, 0, "", Ended.PASSED)
    assert owed(CHARGE, _ask(), passed, paid_before=False).reason == "fetch"
    assert owed(CHARGE, _ask(), passed, paid_before=True).reason == "read-before"
    assert owed(CHARGE, _ask("HEAD"), passed, paid_before=False).reason == "no-content"
    assert _units(passed, query="page=1") == _units(passed, query="page=1")
    assert not {*_units(passed, query="page=1")} & {*_units(passed, query="page=2")}
    assert not {*_units(passed)} & {*_units(_delivery(etag='"1"'))}


def test_all_pieces_of_a_stream_are_one_unit_and_no_others() -> None:
    """A manifest, a segment, a part of one, and what a proxy passed on; whatever tag and digest each has."""
    pieces = {
        units_of("le_1", "s", path, unit_of("le_1", replace(_ask(path=path), query=query), "/v/tides"), delivery)
        for path, query, delivery in (
            ("/v/tides/index.m3u8", "", _delivery(etag='"a"')),
            ("/v/tides/720p/3.ts", "x=1", _delivery(206, 10)),
            ("/v/tides/720p/4.ts", "", _delivery(ended=Ended.PASSED)),
        )
    }  # fmt: skip
    (unit,) = pieces
    assert len(unit) == 1
    assert "tides" not in unit[0]
    others = (
        unit_of("le_2", _ask(path="/v/tides/3.ts"), "/v/tides"),
        unit_of("le_1", _ask(path="/v/reefs/3.ts"), "/v/reefs"),
        unit_of("le_1", _ask(path="/v/tides/3.ts")),
        unit_of("le_1", _ask(path="/v/tides")),
    )
    assert not any(unit[0].startswith(other) for other in others)
