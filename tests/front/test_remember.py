"""What stands in a record, member by member, for everything that can become of a request."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.admit import Grant
from gateway.admission.owed import Owed, unit_of
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.canonical import canonical_bytes
from gateway.front.answer import Judged, Notice
from gateway.front.remember import Tally, body_digest, remember
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Policy, Ruling, Site, Verdict
from gateway.problems import Problem, Refusal
from gateway.provenance.record import SALT_BYTES, Ended, FetchDetail, make_fetch, read_entry
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope, Territory
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use
from gateway.visitors.visitor import Crawler, Identity, Method, Visitor, VisitorClass

START = 1_795_000_000_000_000
PRICE = Money(5_000, "USD")
DIGEST = hashlib.sha256(b"body").hexdigest()
AGENT = "Mozilla/5.0; compatible; GPTBot/1.3; +https://openai.com/gptbot"
REFERER = "https://referring.example/secret-page"
ASK = Ask(
    "0192-a", START, "journal", "https://journal.example:8443", "GET", "/essays/tides?reader=anna",
    "/essays/tides", query="reader=anna", peer="192.0.2.7", address="198.51.100.23", country="DE",
    country_basis="header", headers=(("user-agent", AGENT), ("referer", REFERER), ("cookie", "id=canary")),
)  # fmt: skip
GPTBOT = Visitor(
    VisitorClass.AI,
    Crawler("GPTBot", "OpenAI", ("training",), frozenset({Use.AI_TRAIN}), VisitorClass.AI, True),
    Identity.VERIFIED,
    Method.NETWORK,
    ("ua_claim:GPTBot", "ip_in:198.51.100.0/24"),
)
CLAIMS = Claims(
    issuer="https://journal.example:8443/.licet", audience="https://journal.example:8443", client="cl_1",
    token_id="tok_1", issued_at=1, not_before=1, expires_at=2, license="lic_1", licensee="le_1",
    scopes=(PathScope("/essays/"),), renditions=("page",), uses=frozenset({Use.AI_TRAIN, Use.AI_INPUT}),
    territory=Territory(None), crawlers=frozenset(), budget=Budget(), price=PRICE, terms="sha-256:t",
    policy="sha-256:old",
)  # fmt: skip
CHARGE = Charge("0192-a", "le_1", "lic_1", PRICE, Budget())


def offer(name: str, micros: int, *uses: Use) -> Offer:
    terms = LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)),
        Purpose(frozenset(uses)),
        Compensation("USD", per_fetch=Money(micros, "USD")),
    )
    return Offer(name, "journal", terms, "sha-256:p")


OFFERS = (
    offer("all", 9_000, Use.AI_TRAIN, Use.AI_INPUT),
    offer("training", 5_000, Use.AI_TRAIN),
    offer("answers", 100, Use.AI_INPUT),
)
SENT = Delivery(200, 4, DIGEST, Ended.COMPLETE, 4, "text/html", '"v1"')
OURS = Delivery(402, 900, "", Ended.REFUSED, 900)


def judged(verdict: Any, *, mode: Mode = Mode.ENFORCE, ruled: bool = True, **more: Any) -> Judged:
    site = Site("journal", ("journal.example",), "http://127.0.0.1:8000", mode, "USD")
    policy = Policy(site, (), OFFERS, (), "sha-256:p")
    ruling = Ruling(
        Verdict.LICENSE, "rules[1]", "rule 2 matches class ai", "sha-256:p", mode, OFFERS, "essays", "page"
    )
    return Judged(policy, more.pop("visitor", GPTBOT), ruling if ruled else None, verdict, **more)


#: Every member where the table says nothing else: GPTBot asks for an essay and nothing is sold.
USUAL = {
    "id": "0192-a", "time_us": START, "duration_us": 1_500, "site": "journal", "host": "journal.example:8443",
    "method": "GET", "path": "/essays/tides", "visitor_class": "ai", "crawler": "GPTBot", "operator": "OpenAI",
    "identity": "verified", "identity_method": "network", "verdict": "license", "rule": "rules[1]",
    "policy": "sha-256:p", "mode": "enforce", "problem": "", "would": "", "status": 200, "bytes_sent": 4,
    "digest": DIGEST, "content_type": "text/html", "etag": '"v1"', "ended": "complete", "licensee": "",
    "client": "", "license": "", "token": "", "terms": "", "uses": ("ai-train",), "work": "essays",
    "rendition": "page", "country": "DE", "country_basis": "header", "currency": "USD", "price_micros": 0,
    "quote_micros": 0, "charged_micros": 0, "charge_reason": "", "v": 1,
}  # fmt: skip
LICENSED = {
    "licensee": "le_1", "client": "cl_1", "license": "lic_1", "token": "tok_1", "terms": "sha-256:t",
}  # fmt: skip
REFUSED = {
    "outcome": "refused", "status": 402, "bytes_sent": 900, "digest": "", "content_type": "", "etag": "",
    "ended": "refused",
}  # fmt: skip
GRANT = Grant(uses=CLAIMS.uses, claims=CLAIMS, charge=CHARGE)
LICENSE_REQUIRED = Refusal(Problem.LICENSE_REQUIRED, "Buy.")
UNREACHABLE = Refusal(Problem.ORIGIN_UNREACHABLE, "No.")

TABLE = {
    "served free": (judged(Grant(uses=GPTBOT.uses)), SENT, {}, {"outcome": "free"}),
    "licensed": (
        judged(GRANT, claims=CLAIMS),
        SENT,
        {"due": Owed(PRICE, "fetch")},
        {
            **LICENSED, "outcome": "licensed", "uses": ("ai-input", "ai-train"), "price_micros": 5_000,
            "charged_micros": 5_000, "charge_reason": "fetch",
        },
    ),
    "licensed and read before": (
        judged(GRANT, claims=CLAIMS),
        SENT,
        {"due": Owed(Money(0, "USD"), "read-before")},
        {
            **LICENSED, "outcome": "licensed", "uses": ("ai-input", "ai-train"), "price_micros": 5_000,
            "charge_reason": "read-before",
        },
    ),
    "licensed, and the client left": (
        judged(GRANT, claims=CLAIMS),
        SENT._replace(bytes_sent=3, ended=Ended.CLIENT),
        {"due": Owed(PRICE, "fetch")},
        {
            **LICENSED, "outcome": "licensed", "uses": ("ai-input", "ai-train"), "price_micros": 5_000,
            "charged_micros": 5_000, "charge_reason": "fetch", "bytes_sent": 3, "ended": "client-abort",
        },
    ),
    "licensed, and the origin broke off": (
        judged(GRANT, claims=CLAIMS),
        SENT._replace(bytes_sent=3, ended=Ended.ORIGIN),
        {"due": Owed(Money(0, "USD"), "broken-off")},
        {
            **LICENSED, "outcome": "failed", "uses": ("ai-input", "ai-train"), "price_micros": 5_000,
            "charge_reason": "broken-off", "bytes_sent": 3, "ended": "origin-abort",
        },
    ),
    "licensed, and the origin cannot be reached": (
        judged(GRANT, claims=CLAIMS),
        Delivery(502, 300, "", Ended.GATEWAY, 300),
        {"failure": UNREACHABLE},
        {
            **LICENSED, "outcome": "failed", "problem": "origin-unreachable", "uses": ("ai-input", "ai-train"),
            "price_micros": 5_000, "status": 502, "bytes_sent": 300, "digest": "", "content_type": "", "etag": "",
            "ended": "gateway-abort",
        },
    ),
    "the origin itself says 503": (
        judged(Grant(uses=GPTBOT.uses)),
        SENT._replace(status=503),
        {},
        {"outcome": "failed", "status": 503},
    ),
    "not found is an answer": (
        judged(Grant(uses=GPTBOT.uses)),
        SENT._replace(status=404),
        {},
        {"outcome": "free", "status": 404},
    ),
    "told the price": (
        judged(LICENSE_REQUIRED),
        OURS,
        {},
        {**REFUSED, "problem": "license-required", "quote_micros": 5_000},
    ),
    "refused by the owner, so quoted nothing": (
        judged(Refusal(Problem.REFUSED_BY_OWNER, "No.")),
        OURS._replace(status=403),
        {},
        {**REFUSED, "status": 403, "problem": "refused-by-owner"},
    ),
    "a good token that is too narrow": (
        judged(Refusal(Problem.PATH_NOT_COVERED, "No."), claims=CLAIMS),
        OURS._replace(status=403),
        {},
        {**REFUSED, **LICENSED, "status": 403, "problem": "path-not-covered"},
    ),
    "a control file": (
        judged(Notice("robots.txt", "text/plain", b"User", '"x"'), ruled=False),
        Delivery(200, 4, "", Ended.COMPLETE, 4),
        {},
        {
            "outcome": "free", "verdict": "serve", "rule": "control-file robots.txt", "work": "", "rendition": "",
            "digest": "", "content_type": "", "etag": "",
        },
    ),
    "a control file that cannot be told": (
        judged(Refusal(Problem.ROBOTS_UNAVAILABLE, "Later."), ruled=False),
        OURS._replace(status=503),
        {},
        {
            **REFUSED, "status": 503, "problem": "robots-unavailable", "verdict": "serve", "rule": "", "work": "",
            "rendition": "",
        },
    ),
    "observed, and would have been told the price": (
        judged(Grant(uses=GPTBOT.uses, would=LICENSE_REQUIRED, quote=PRICE), mode=Mode.OBSERVE),
        SENT,
        {},
        {"outcome": "open", "mode": "observe", "would": "license-required", "quote_micros": 5_000},
    ),
    "observed with a license, which costs nothing": (
        judged(Grant(uses=CLAIMS.uses, claims=CLAIMS, quote=PRICE), mode=Mode.OBSERVE, claims=CLAIMS),
        SENT,
        {},
        {
            **LICENSED, "outcome": "open", "mode": "observe", "quote_micros": 5_000,
            "uses": ("ai-input", "ai-train"),
        },
    ),
    "offered, and served although nothing was bought": (
        judged(Grant(uses=GPTBOT.uses, offers=OFFERS, would=LICENSE_REQUIRED, quote=PRICE), mode=Mode.OFFER),
        SENT,
        {},
        {"outcome": "open", "mode": "offer", "would": "license-required", "quote_micros": 5_000},
    ),
    "an automaton nobody knows": (
        judged(Refusal(Problem.REFUSED_BY_OWNER, "No."), visitor=Visitor(VisitorClass.AUTOMATION)),
        OURS._replace(status=403),
        {},
        {
            **REFUSED, "status": 403, "problem": "refused-by-owner", "visitor_class": "automation", "crawler": "",
            "operator": "", "identity": "none", "identity_method": "none",
            "uses": ("ai-index", "ai-input", "ai-train"),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "delivery", "more", "changed"), TABLE.values(), ids=TABLE)
def test_every_member(
    seen: Judged, delivery: Delivery, more: dict[str, Any], changed: dict[str, Any]
) -> None:
    written = remember(ASK, seen, delivery, ended_us=START + 1_500, **more)
    members = asdict(written.record)
    assert members.pop("detail") == written.detail.commitment(written.detail_salt)
    assert members.pop("unit") == (unit_of(seen.claims.licensee, ASK) if seen.claims else "")
    assert members == {**USUAL, **changed}
    assert read_entry("fetch", orjson.loads(written.record.canonical())) == written.record
    assert written.record.is_paid is (changed["outcome"] == "licensed")


def test_the_personal_part_stands_beside_the_record_and_nowhere_in_it() -> None:
    written = remember(ASK, judged(Grant()), SENT, ended_us=START)
    assert written.detail == FetchDetail(
        "198.51.100.23",
        "192.0.2.7",
        AGENT,
        REFERER,
        "reader=anna",
        ("ua_claim:GPTBot", "ip_in:198.51.100.0/24", "confidence:0.00"),
    )
    octets = written.record.canonical()
    for personal in (
        "198.51.100",
        "192.0.2.7",
        "compatible",
        "referring",
        "anna",
        "canary",
        "ip_in",
        "8443?",
    ):
        assert personal.encode() not in octets, personal


def test_each_detail_has_a_salt_of_its_own() -> None:
    one, other = (remember(ASK, judged(Grant()), SENT, ended_us=START) for _ in range(2))
    assert len(one.detail_salt) == SALT_BYTES
    assert one.detail_salt != other.detail_salt
    assert one.record.detail != other.record.detail


def test_a_clock_that_went_back_makes_no_negative_duration() -> None:
    assert remember(ASK, judged(Grant()), SENT, ended_us=START - 1).record.duration_us == 0


def test_a_path_with_two_readings_stands_as_it_came_without_its_query() -> None:
    odd = replace(ASK, path="", ambiguity="it has a dot segment", target="/a/../b?reader=anna")
    record = remember(odd, judged(Grant()), SENT, ended_us=START).record
    assert record.path == "/a/../b"
    assert b"anna" not in record.canonical()


def test_the_quote_is_the_cheapest_that_covers_what_the_crawler_does() -> None:
    both = replace(GPTBOT, crawler=replace(GPTBOT.crawler, uses=frozenset({Use.AI_TRAIN, Use.AI_INPUT})))
    written = remember(ASK, judged(LICENSE_REQUIRED, visitor=both), OURS, ended_us=START)
    assert written.record.quote_micros == 9_000


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 4094, 4095, 16 * 1024, 16 * 1024 + 1, 100_000])
def test_a_digest_is_that_of_the_whole_however_it_is_sliced(size) -> None:
    body = bytes(at % 251 for at in range(size))
    assert body_digest(body) == hashlib.sha256(body).hexdigest()
    tally = Tally()
    for piece in (body[: size // 3], body[size // 3 :]):
        tally.add(piece)
    assert (tally.bytes_sent, tally.hexdigest()) == (size, hashlib.sha256(body).hexdigest())


def test_a_tally_is_what_passed() -> None:
    tally = Tally(4)
    for chunk in (b"", b"bo", b"dy"):
        tally.add(chunk)
    assert (tally.bytes_sent, tally.length, tally.hexdigest()) == (4, 4, DIGEST)
    assert Tally().length == -1
    assert Tally().hexdigest() == hashlib.sha256(b"").hexdigest()


#: Header values and targets as the listener makes them of any octets.
OCTETS = st.binary(max_size=80).map(lambda octets: octets.decode("utf-8", "surrogateescape"))
VERDICTS = st.sampled_from([Grant(), GRANT, LICENSE_REQUIRED, Refusal(Problem.TOKEN_INVALID, "No.")])


@settings(max_examples=200, deadline=None)
@given(
    verdict=VERDICTS,
    agent=OCTETS,
    referer=OCTETS,
    target=OCTETS.filter(lambda text: "?" not in text),
    query=OCTETS,
    media=OCTETS,
    etag=OCTETS,
    reason=OCTETS,
)
def test_odd_octets_never_break_the_canonical_bytes(
    verdict, agent, referer, target, query, media, etag, reason
) -> None:
    odd = replace(
        ASK,
        path="",
        ambiguity="odd",
        target=f"/{target}?{query}",
        query=query,
        headers=(("user-agent", agent), ("referer", referer)),
    )
    delivery = SENT._replace(content_type=media, etag=etag)
    written = remember(
        odd, judged(verdict, visitor=replace(GPTBOT, reasons=(reason,))), delivery, ended_us=START
    )
    assert read_entry("fetch", orjson.loads(written.record.canonical())) == written.record
    assert written.record.detail == written.detail.commitment(written.detail_salt)
    assert len(written.record.etag) <= 128
    assert len(written.record.content_type) <= 128


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzåß漢", min_size=6, max_size=30).map("pers0n-{}".format)


@settings(max_examples=100, deadline=None)
@given(verdict=VERDICTS, address=TOKEN, peer=TOKEN, agent=TOKEN, referer=TOKEN, query=TOKEN, cookie=TOKEN)
def test_nothing_personal_is_ever_in_the_record(
    verdict, address, peer, agent, referer, query, cookie
) -> None:
    person = replace(
        ASK,
        address=address,
        peer=peer,
        query=query,
        target=f"/essays/tides?{query}",
        headers=(("user-agent", agent), ("referer", referer), ("cookie", f"C00KIE={cookie}")),
    )
    written = remember(person, judged(verdict), SENT, ended_us=START)
    assert b"pers0n" not in written.record.canonical()
    kept = written.detail
    assert (kept.address, kept.peer, kept.user_agent, kept.referer, kept.query) == (
        address, peer, agent, referer, query,
    )  # fmt: skip
    assert "C00KIE" not in str(kept), "cookies are in no part of it"


_HOW = st.fixed_dictionaries(
    {
        "status": st.sampled_from([200, 206, 404]),
        "ended": st.sampled_from([Ended.COMPLETE, Ended.CLIENT]),
        "etag": st.sampled_from(["", '"v1"', "\udcff"]),
        "content_type": st.sampled_from(["text/html", "\udcff"]),
        "bytes_sent": st.integers(0, 9),
    }
)
_WHAT = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "HEAD"]),
        "path": st.sampled_from(["/essays/tides", "/essays/moon", ""]),
        "country": st.sampled_from(["", "DE"]),
        "address": st.sampled_from(["198.51.100.23", "198.51.100.24"]),
        "query": st.sampled_from(["", "a=b"]),
    }
)
_WHO = st.sampled_from(
    [GPTBOT, replace(GPTBOT, reasons=("other",)), replace(GPTBOT, identity=Identity.CLAIMED)]
)
_DUE = st.sampled_from([Owed(PRICE, "fetch"), Owed(Money(0, "USD"), "read-before")])
_GRANT = st.sampled_from(
    [
        Grant(CLAIMS.uses, CLAIMS, CHARGE),
        Grant(frozenset({Use.AI_TRAIN}), CLAIMS, CHARGE._replace(price=Money(7, "USD"))),
        Grant(CLAIMS.uses, CLAIMS, CHARGE, would=Refusal(Problem.TOO_FAST, "Too fast.")),
        Grant(CLAIMS.uses, CLAIMS, CHARGE, quote=Money(9, "USD")),
    ]
)


@given(st.lists(st.tuples(_HOW, _WHAT, _WHO, _DUE, _GRANT, st.sampled_from(Mode)), min_size=2, max_size=8))
def test_licensed_fetches_one_after_the_other_are_each_written_as_if_they_were_the_first(several) -> None:
    claimed = {mode: judged(Grant(), mode=mode)._replace(claims=CLAIMS) for mode in Mode}
    for number, (how, what, who, due, grant, mode) in enumerate(several):
        asked, sent = replace(ASK, id=f"0192-{number}", **what), SENT._replace(**how)
        was = claimed[mode]._replace(visitor=who, verdict=grant)
        found = remember(asked, was, sent, ended_us=START + number, due=due)
        # Claims that were never seen before: nothing like it was written with them.
        alone = remember(asked, was._replace(claims=replace(CLAIMS)), sent, ended_us=START + number, due=due)
        told = found.detail.commitment(found.detail_salt)
        assert found.record == replace(make_fetch(**vars(alone.record)), detail=told)
        assert found.record.canonical() == canonical_bytes(vars(found.record))
        assert found.detail == alone.detail
