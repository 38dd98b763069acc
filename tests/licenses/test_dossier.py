from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.contract import NOTICE, Party
from gateway.licenses.dossier import (
    Dossier,
    InForce,
    networks,
    pages,
    proofs,
    would_have_cost,
)
from gateway.licenses.traffic import Fetched, Traffic
from gateway.licenses.value_memo import Memo
from gateway.licenses.written import plain_text
from gateway.money import Money

NOV = 1_793_491_200
HOUR = 3600
DAY = 24 * HOUR
PRICE = Money(4_000, "USD")
EVIDENCE = ("ua_claim:GPTBot", "ip_not_in:openai-gptbot", "ip_list_dated:openai-gptbot@2026-10-30")
ONE = Fetched(
    NOV * 1_000_000, "/essays/tides", "GET", 200, 2_000, "GPTBot", "OpenAI", "ai", "spoofed", "open", EVIDENCE,
    "203.0.113.0/24", PRICE,
)  # fmt: skip


def at(seconds: int, **changes: object) -> Fetched:
    return replace(ONE, time_us=(NOV + seconds) * 1_000_000, **changes)


SEEN = (
    ONE,
    at(HOUR),
    at(2 * HOUR, path="/essays/reefs", identity="verified", evidence=("ip_in:openai-gptbot",), network=""),
    at(DAY, status=402, outcome="refused", bytes_sent=10),
    at(DAY + 1),
    at(DAY + 2, path="", status=402, outcome="refused", count=90, quoted=None, bytes_sent=0, identity=""),
)
MADE = Dossier(
    "OpenAI", ("GPTBot",), "journal", "The Journal", date(2026, 12, 1), "journal",
    "the prices that were quoted at the time", SEEN,
    terms=(InForce("a" * 64, NOV - 9, NOV + HOUR, "https://journal.example/.licet/terms/" + "a" * 64),
           InForce("b" * 64, NOV + HOUR, 0, "https://journal.example/.licet/terms/" + "b" * 64)),
    creator=Party("The Journal Ltd", signatory="Ada Example"),
)  # fmt: skip


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_whole_says_what_is_known_and_no_more():
    text = flat(plain_text(MADE.writing()))
    for said in (
        NOTICE,
        "Dossier: OpenAI",
        "Licet sends nothing: read it, change it, and send what you want to send yourself.",
        "95 requests from 2026-11-01 00:00 to 2026-11-02 00:00 UTC; 4 answered with content, 8 kB in all, 91 turned away.",
        "claimed to be GPTBot; not proven (address not in the published list of 2026-10-30) 94",
        "GPTBot, verified (address in the published list of an unknown day) 1",
        "203.0.113.0/24 94",
        "aaaaaaaaaaaaaaaa From (UTC): 2026-10-31 23:59 Until (UTC): 2026-11-01 01:00",
        "bbbbbbbbbbbbbbbb From (UTC): 2026-11-01 01:00 Until (UTC): today",
        "0.012 USD for 3 fetches, by the prices that were quoted at the time.",
        "It is no claim: nobody agreed to it.",
        "Dear OpenAI,",
        "1 of them was proven to be yours; the others only carried that name.",
        "Ada Example",
        "- Use case: what the works are wanted for",
    ):
        assert said in text, said


def test_nothing_found_is_said():
    text = flat(plain_text(replace(MADE, fetches=(), terms=()).writing()))
    for said in (
        "Nothing by these names was found.",
        "No published terms of that time are known here.",
        "Nothing: no page that was delivered without a license had a price.",
        "There is nothing to write about.",
    ):
        assert said in text
    assert replace(MADE, fetches=()).as_json()["first"] is None


@pytest.mark.parametrize(
    ("identities", "says"),
    [
        (("verified",), "All of them were proven to be yours."),
        (("claimed", "spoofed"), "They carried that name; that it was you is not proven."),
        (("verified", "claimed"), "1 of them was proven to be yours; the others only carried that name."),
    ],
)
def test_the_letter_claims_no_more_than_is_proven(identities, says):
    made = replace(MADE, fetches=tuple(at(n, identity=each) for n, each in enumerate(identities)))
    assert says in flat(made.as_json()["letter"])


def test_a_crawler_that_was_only_looked_for_is_told_of_nobody():
    made = replace(MADE, crawlers=("GPTBot", "OAI-SearchBot"))
    text = plain_text(made.writing())
    assert "GPTBot" in text
    assert "OAI-SearchBot" not in text
    assert "OAI-SearchBot" in plain_text(replace(made, fetches=()).writing())


def test_fetches_under_a_license_are_told_apart():
    made = replace(MADE, fetches=(ONE, at(1, outcome="licensed", charged=PRICE)))
    text = flat(plain_text(made.writing()))
    assert text.count("1 of them was made under a license") == 2
    assert "under a license" not in MADE.seen()


def test_the_memo_stands_at_its_end():
    memo = Memo("The Journal", date(2026, 12, 1), Traffic("journal", NOV, NOV + DAY))
    titles = [each.title for each in replace(MADE, memo=memo).writing().sections]
    assert titles[-4:] == [
        "Value memo: people", "Crawlers", "What the creator states", "Deals for comparison",
    ]  # fmt: skip
    assert titles[4] == "Initial letter"
    assert len(MADE.writing().sections) == 5


def test_machines_read_the_same():
    told = json.loads(json.dumps(MADE.as_json()))
    assert (told["requests"], told["delivered"], told["first"], told["last"]) == (95, 4, NOV, NOV + DAY + 2)
    assert told["price"]["would_have_cost"] == [{"micros": 12_000, "currency": "USD"}]
    assert told["pages"][1] == {
        "path": "/essays/tides", "requests": 4, "delivered": 3, "first": NOV, "last": NOV + DAY + 1, "bytes": 6010,
    }  # fmt: skip
    assert told["letter"].startswith(NOTICE)


@pytest.mark.parametrize(
    ("fetches", "units", "micros"),
    [
        ((ONE,), 1, 4_000),
        ((ONE, at(DAY - 1)), 1, 4_000),
        # On the boundary second the window has ended.
        ((ONE, at(DAY)), 2, 8_000),
        # A window begins with what is charged, and not anew with each read in it.
        ((ONE, at(DAY - 1), at(DAY + 1)), 2, 8_000),
        ((ONE, at(1, path="/b")), 2, 8_000),
        ((at(0, status=402),), 0, 0),
        ((at(0, status=304),), 0, 0),
        ((at(0, method="HEAD"),), 0, 0),
        ((at(0, quoted=None),), 0, 0),
        ((at(0, outcome="licensed", charged=PRICE),), 0, 0),
        ((at(0, outcome="licensed"),), 0, 0),
    ],
)
def test_what_it_would_have_cost(fetches, units, micros):
    found, owed = would_have_cost(fetches, DAY)
    assert found == units
    assert sum(each.micros for each in owed) == micros


def test_two_currencies_never_mix():
    euros = at(1, path="/b", quoted=Money(5_000, "EUR"))
    assert would_have_cost((ONE, euros), DAY) == (2, (Money(5_000, "EUR"), PRICE))


fetches = st.lists(
    st.builds(
        at,
        st.integers(0, 9 * DAY),
        path=st.sampled_from(["/a", "/b", "/c"]),
        status=st.sampled_from([200, 206, 304, 402, 403]),
        count=st.integers(1, 3),
        network=st.sampled_from(["", "203.0.113.0/24", "2001:db8::/48"]),
        quoted=st.none() | st.just(PRICE),
    ),
    max_size=40,
).map(lambda found: tuple(sorted(found, key=lambda each: each.time_us)))


@given(fetches, st.integers(1, 3 * DAY))
def test_sums_hold(found, window):
    total = sum(each.count for each in found)
    assert sum(page.times for page in pages(found)) == total
    assert sum(times for _, times in proofs(found)) == total
    assert sum(times for _, times in networks(found)) == sum(e.count for e in found if e.network)
    units, owed = would_have_cost(found, window)
    assert sum(each.micros for each in owed) == units * PRICE.micros
    # A longer window is never dearer.
    assert would_have_cost(found, window * 2)[0] <= units


def test_what_a_crawler_chose_is_one_line_and_no_markup():
    hostile = at(0, path="/a\n\nDear reader,\u202e<b>" + "x" * 500, crawler="Bot\nName")
    made = replace(MADE, operator="Lab\r\nBcc: all@lab.example", fetches=(hostile,))
    text = plain_text(made.writing())
    assert "\nDear reader" not in text
    assert "\nBcc:" not in text
    assert "\u202e" not in text
