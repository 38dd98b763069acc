"""The three letters: what they ask and state, that they need counsel, and that no floor is in them."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.bargaining import Accept, AskFacts, Buyer, Counter, Person, Proposal, answer
from gateway.licenses.contract import NOTICE, Party
from gateway.licenses.letters import Kind, approach, counter, decline, letters_of, reply
from gateway.licenses.negotiation import Negotiation, Side, offered, proposed, terminated
from gateway.licenses.plain_words import NAMES, lever_words
from gateway.licenses.position import FACTS, Position
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope, Term
from gateway.terms.scaling import scaled
from gateway.uses import Use

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD"), revenue_share_bp=300
    ),
    term=Term(24),
)
OFFER = Offer("training", "journal", TERMS, "sha-256:p", tier=1)
BEGUN = Negotiation("ne_1", OFFER, "le_1", "cl_1", 100)
LESS = replace(TERMS, compensation=scaled(TERMS.compensation, 333_333))
CREATOR = Party("The Journal Ltd", "1 Test Street", "Ada Example", "director")
EVERYTHING = {**dict.fromkeys(FACTS, "as described"), "model_class": "closed", "launch_date": "2027-06-01"}


def plain(letter):
    return " ".join(letter.text.split())


def asked(facts=None, answer=None):
    return proposed(BEGUN, LESS, facts or {}, answer or AskFacts(tuple(FACTS)), now=110, patience=3600)


def test_the_reply_asks_for_what_is_missing_and_nothing_else():
    first = plain(reply(BEGUN, creator=CREATOR, buyer="Lab"))
    for word in ("Use case", "Products", "timeline", "compensation"):
        assert word in first
    later = plain(reply(asked({"use_case": "summaries"}), creator=CREATOR, buyer="Lab"))
    assert "You told us: - Use case: summaries" in later
    assert later.count("Use case") == 1
    assert "Data protection" in later
    assert "the compensation that you have in mind" not in later, "a proposal names it"
    done = plain(reply(asked(EVERYTHING, Person(("why",), Accept(LESS))), creator=CREATOR, buyer="Lab"))
    assert "we need from you" not in done


def test_the_counter_states_every_lever():
    text = plain(counter(asked(EVERYTHING, Counter(TERMS, ())), creator=CREATOR, buyer="Lab"))
    words = lever_words(TERMS)
    for lever, name in NAMES.items():
        assert " ".join(f"{name}: {words[lever]}".split()) in text, lever
    assert "without tax" in text
    assert "stand until 01 January 1970, 01:01 UTC" in text
    assert "differ from what you proposed on: price" in text


def test_a_counter_may_state_what_is_not_on_the_table_yet():
    other = replace(TERMS, term=Term(6))
    text = plain(counter(asked(), creator=CREATOR, buyer="Lab", terms=other))
    assert "6 months from signing" in text
    assert "stand until" not in text


def test_the_decline_gives_the_reason_that_was_given():
    ended = terminated(asked(), Side.CREATOR, "We sell to nobody this year.", now=200)
    assert "We sell to nobody this year." in plain(decline(ended, creator=CREATOR, buyer="Lab"))
    assert "[your reason, or nothing]" in plain(decline(asked(), creator=CREATOR, buyer="Lab"))


def test_every_letter_needs_counsel_and_is_signed_as_far_as_is_known():
    for letter in letters_of(asked(), creator=CREATOR, buyer="Lab"):
        assert letter.text.startswith(NOTICE)
        assert NOTICE in letter.html
        assert letter.text.rstrip().endswith("Ada Example\nThe Journal Ltd")
        assert max(map(len, letter.text.splitlines())) <= len(NOTICE)
    assert [letter.kind for letter in letters_of(BEGUN, creator=Party(), buyer="")] == list(Kind)


@given(st.text(max_size=300), st.text(max_size=300))
def test_what_a_buyer_wrote_is_text_on_a_line(name, said):
    hostile = asked({"use_case": said or "x", "products": "<script>alert(1)</script>"})
    for letter in letters_of(hostile, creator=CREATOR, buyer=name):
        assert all(char.isprintable() or char == "\n" for char in letter.body)
        assert letter.subject.isprintable()
        assert "<script" not in letter.html
        assert letter.body.split("\n\n")[0].count("\n") == 0


def numbers(text):
    return set(re.findall(r"[0-9]+(?:\.[0-9]+)?", text))


@given(floor=st.integers(300_007, 790_001), bids=st.lists(st.integers(1, 1_000_000), min_size=1, max_size=6))
def test_no_number_of_the_position_is_in_a_letter(floor, bids):
    position = Position(
        target_micros=800_000, floor_micros=floor, exclusive_premium_micros=3_700_001, rounds=5, person_for=frozenset(),
        person_above=Money(123_457_000_000, "USD"),
    )  # fmt: skip
    at, told = BEGUN, {TERMS}
    for bid in bids:
        proposal = replace(TERMS, compensation=scaled(TERMS.compensation, bid))
        given_ = answer(OFFER, position, Buyer("Lab", at.bids), Proposal(proposal, frozenset(FACTS)))
        after = proposed(at, proposal, EVERYTHING, given_, now=110, patience=3600)
        if not isinstance(after, Negotiation):
            break
        at = after
        told |= {proposal, *((at.table,) if at.table else ())}
        said = {number for terms in told for text in lever_words(terms).values() for number in numbers(text)}
        least = scaled(TERMS.compensation, floor)
        dear = scaled(TERMS.compensation, position.exclusive_premium_micros)
        secret = {
            str(floor), str(floor / 1_000_000), "3700001", "3.700001", "123457",
            least.upfront.amount, least.per_fetch.amount, dear.upfront.amount, dear.per_fetch.amount,
        }  # fmt: skip
        for letter in letters_of(at, creator=CREATOR, buyer="Lab"):
            assert not (secret - said) & numbers(letter.text)


def test_a_person_counters_and_the_letter_follows():
    waiting = asked(EVERYTHING, Person(("it is exclusive",), Accept(LESS)))
    tabled = offered(waiting, replace(TERMS, term=Term(7)), now=120, patience=3600)
    assert "7 months from signing" in plain(counter(tabled, creator=CREATOR, buyer="Lab"))


def test_an_approach_asks_an_operator_that_never_asked():
    text = plain(approach("Lab\nBcc: x", "Our records show 7 requests.\n\nby Bot.", creator=CREATOR))
    for word in ("Use case", "Products", "timeline", "compensation", "Our records show 7 requests. by Bot."):
        assert word in text
    assert text.startswith(NOTICE)
    assert "Dear Lab Bcc: x," in text
    assert "Thank you for asking" not in text
