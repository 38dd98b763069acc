"""Which amounts an entry moves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.postings import (
    CLEARING,
    SILENT,
    Posting,
    Spend,
    Undone,
    earned,
    may_owe,
    owed,
    postings_of,
    prepaid,
    reference_of,
    spend_of,
)
from gateway.money import Money
from gateway.provenance.record import BookEntry, Outcome, ShedNote

PREPAID, EARNED = prepaid("le_1"), earned("journal")


def usd(micros):
    return Money(micros, "USD")


def test_each_kind_of_entry_and_what_it_posts(make):
    def posted(entry):
        return [(each.debit, each.credit, each.amount, each.code) for each in postings_of(entry)]

    assert posted(make.fetch()) == [(PREPAID, EARNED, usd(5_000), "fetch")]
    assert posted(make.book()) == [(CLEARING, PREPAID, usd(100_000), "credit")]
    assert posted(make.book(kind_of="fee")) == [(PREPAID, EARNED, usd(100_000), "fee")]
    (posting,) = postings_of(make.fetch())
    assert (posting.entry_id, posting.time_us, posting.undoes) == ("r0", make.AT, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"charged_micros": 0, "charge_reason": "read-before"},
        {"licensee": ""},
        *({"outcome": str(outcome)} for outcome in Outcome if outcome is not Outcome.LICENSED),
    ],
)
def test_what_is_not_a_licensed_charge_posts_nothing(make, changes):
    assert postings_of(make.fetch(**changes)) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"kind_of": "milestone"},
        {"kind_of": "reversal"},
        {"amount_micros": 0},
        {"amount_micros": -1},
        {"licensee": ""},
    ],
)
def test_book_entries_that_move_nothing(make, changes):
    assert postings_of(make.book(**changes)) == ()


def test_what_was_shed_moves_nothing():
    assert postings_of(ShedNote("s", 1, 1, 5, "disk")) == ()
    assert spend_of(ShedNote("s", 1, 1, 5, "disk")) is None


@pytest.mark.parametrize("which", ["fetch", "credit", "fee"])
def test_a_reversal_moves_back_what_its_reference_moved(make, which):
    entry = make.fetch() if which == "fetch" else make.book(kind_of=which)
    (before,) = postings_of(entry)
    sorry = make.book(id="x", kind_of="reversal", amount_micros=before.amount.micros, reference=entry.id)
    (after,) = postings_of(sorry, Undone(before, before.amount.micros))
    assert (after.debit, after.credit, after.amount) == (before.credit, before.debit, before.amount)
    assert (after.code, after.undoes, after.entry_id) == ("reversal", entry.id, "x")
    assert reference_of(sorry) == entry.id
    assert reference_of(entry) == ""


@pytest.mark.parametrize(
    "changes", [{"amount_micros": 4_001}, {"currency": "EUR"}, {"licensee": "le_2"}, {"reference": "other"}]
)
def test_a_reversal_undoes_no_more_than_stands_and_nothing_of_others(make, changes):
    (before,) = postings_of(make.fetch())
    good = make.book(id="x", kind_of="reversal", amount_micros=4_000, reference="r0")
    undone = Undone(before, 4_000)
    assert postings_of(good, undone)
    assert postings_of(replace(good, **changes), undone) == ()
    assert postings_of(good) == ()


OWED, HELD, PROMISED = owed("le_1"), "escrow:lic_1:agent:Notary", "milestone:lic_1"


def waiting(make, kind="deposit", **changes):
    reference = "agent:Notary" if kind == "deposit" else ""
    return make.book(
        id="m", kind_of=kind, **{"license": "lic_1", "amount_micros": 900, "reference": reference, **changes}
    )


def test_what_falls_due_is_owed_until_it_is_paid_from_credit(make):
    for kind, accounts in (("due", (OWED, EARNED)), ("payment", (PREPAID, OWED))):
        (posting,) = postings_of(make.book(kind_of=kind))
        assert (posting.debit, posting.credit, posting.code) == (*accounts, kind)
        sorry = make.book(id="x", kind_of="reversal", reference="b0")
        (back,) = postings_of(sorry, Undone(posting, posting.amount.micros))
        assert (back.debit, back.credit) == accounts[::-1]
    assert [may_owe(account) for account in (OWED, CLEARING, PREPAID, EARNED, HELD, PROMISED)] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "source", "account"), [("deposit", CLEARING, HELD), ("promise", OWED, PROMISED)]
)
def test_what_waits_for_a_milestone_leaves_to_the_creator_or_back(make, kind, source, account):
    (before,) = postings_of(waiting(make, kind))
    assert (before.debit, before.credit, before.code) == (source, account, kind)
    for act, to in (("release", EARNED), ("refund", source)):
        entry = make.book(id="x", kind_of=act, license="lic_1", reference="m", amount_micros=400)
        assert reference_of(entry) == "m"
        (after,) = postings_of(entry, Undone(before, 400))
        assert (after.debit, after.credit, after.code, after.undoes) == (account, to, act, "m")
        for changes in (
            {"amount_micros": 401}, {"license": "lic_2"}, {"license": "lic"}, {"license": ""}, {"reference": "n"},
            {"currency": "EUR"}, {"kind_of": "reversal"},
        ):  # fmt: skip
            assert postings_of(replace(entry, **changes), Undone(before, 400)) == ()


@pytest.mark.parametrize(("kind", "to"), [("deposit", PREPAID), ("promise", OWED)])
def test_a_release_is_taken_back_from_the_creator_for_its_license_alone(make, kind, to):
    (before,) = postings_of(waiting(make, kind))
    release = make.book(id="r", kind_of="release", license="lic_1", reference="m", amount_micros=400)
    (released,) = postings_of(release, Undone(before, 900))
    entry = make.book(id="x", kind_of="reversal", license="lic_1", reference="r", amount_micros=150)
    (after,) = postings_of(entry, Undone(released, 400))
    assert (after.debit, after.credit, after.code, after.undoes) == (EARNED, to, "reversal", "r")
    for changes in (
        {"amount_micros": 401}, {"license": "lic_2"}, {"license": "lic"}, {"license": ""}, {"reference": "m"},
        {"currency": "EUR"}, {"site": "other"}, {"licensee": ""},
    ):  # fmt: skip
        assert postings_of(replace(entry, **changes), Undone(released, 400)) == ()
    # A credit note names no site: its license says whose release it takes back.
    (noted,) = postings_of(replace(entry, site=""), Undone(released, 400))
    assert (noted.debit, noted.credit) == (EARNED, to)


def test_a_release_takes_from_what_waits_and_from_nothing_else(make):
    for kind in ("credit", "fee", "due", "payment"):
        (before,) = postings_of(make.book(id="m", kind_of=kind, license="lic_1"))
        for act in ("release", "refund"):
            entry = make.book(id="x", kind_of=act, license="lic_1", reference="m")
            assert postings_of(entry, Undone(before, before.amount.micros)) == ()


@pytest.mark.parametrize("reference", ["", "nobody", "agent:", "bank:Example", "lic_1"])
def test_a_deposit_that_nobody_holds_is_none(make, reference):
    assert postings_of(waiting(make, reference=reference)) == ()
    assert postings_of(waiting(make, license="")) == ()
    assert postings_of(waiting(make, "promise", license="")) == ()


def test_a_promise_is_refunded_to_whoever_made_it(make):
    (before,) = postings_of(waiting(make, "promise"))
    entry = make.book(
        id="x", kind_of="refund", license="lic_1", reference="m", amount_micros=1, licensee="le_2"
    )
    assert postings_of(entry, Undone(before, 900)) == ()


def test_a_reversal_is_not_reversed(make):
    (before,) = postings_of(make.fetch())
    (sorry,) = postings_of(
        make.book(id="x", kind_of="reversal", amount_micros=4_000, reference="r0"), Undone(before, 5_000)
    )
    again = make.book(id="y", kind_of="reversal", amount_micros=4_000, reference="x")
    assert postings_of(again, Undone(sorry, 4_000)) == ()


def test_a_posting_moves_something_between_two_accounts():
    for debit, micros in (("b", 1), ("a", 0), ("a", -1)):
        with pytest.raises(ValueError, match="posting"):
            Posting(debit, "b", usd(micros), "e", 1, "fetch")
    posting = Posting("a", "b", usd(3), "e", 1, "fetch")
    assert [posting.effect_on(name) for name in "abc"] == [-3, 3, 0]


def test_what_a_fetch_takes_from_a_budget(make):
    assert spend_of(make.fetch()) == Spend("lic_1", "USD", 5_000, 1)
    # A free unit was still a unit; what owed nothing was none.
    assert spend_of(make.fetch(charged_micros=0)) == Spend("lic_1", "USD", 0, 1)
    assert spend_of(make.fetch(charged_micros=0, charge_reason="read-before")) is None
    assert spend_of(make.fetch(outcome="refused")) is None
    assert spend_of(make.fetch(license="")) is None
    assert spend_of(make.book(kind_of="fee", license="lic_1")) is None


@given(
    st.lists(
        st.builds(
            BookEntry,
            id=st.uuids().map(str),
            time_us=st.integers(0, 10**15),
            kind_of=st.sampled_from(
                [
                    "credit",
                    "fee",
                    "reversal",
                    "rate",
                    "",
                    "due",
                    "payment",
                    "deposit",
                    "promise",
                    "release",
                    "dispute",
                    "tax",
                    "round_up",
                    "round_down",
                    "write_off",
                    "payout",
                    "payout_fee",
                    "close",
                    "invoice",
                ]
            ),
            site=st.sampled_from(["", "journal"]),
            licensee=st.sampled_from(["", "le_1", "le_2"]),
            amount_micros=st.integers(-5, 10**12),
            currency=st.sampled_from(["USD", "EUR"]),
            license=st.sampled_from(["", "lic_1"]),
            reference=st.sampled_from(["", "r0", "provider:Example", "nobody"]),
        )
    )
)
def test_whatever_is_booked_sums_to_zero_in_each_currency(entries):
    sums = Counter()
    for entry in entries:
        for posting in postings_of(entry):
            assert posting.amount.micros > 0
            for account in (posting.debit, posting.credit):
                sums[posting.amount.currency] += posting.effect_on(account)
    assert not any(sums.values())


@pytest.mark.parametrize(
    ("kind", "debit", "credit"),
    [
        ("tax", "licensee:le_1:owed", "tax:payable"),
        ("round_up", "licensee:le_1:owed", "rounding:invoices"),
        ("round_down", "rounding:invoices", "licensee:le_1:owed"),
        ("write_off", "loss:written-off", "licensee:le_1:owed"),
        ("payout", EARNED, "bank:paid-out"),
        ("payout_fee", EARNED, "fees:payouts"),
    ],
)
def test_what_billing_and_paying_out_move_and_that_it_can_be_undone_once(make, kind, debit, credit):
    of_creator = kind.startswith("payout")
    entry = make.book(kind_of=kind, licensee="" if of_creator else "le_1")
    (before,) = postings_of(entry)
    assert (before.debit, before.credit, before.amount, before.code) == (debit, credit, usd(100_000), kind)
    sorry = make.book(id="x", kind_of="reversal", reference="b0", licensee=entry.licensee)
    (back,) = postings_of(sorry, Undone(before, 100_000))
    assert (back.debit, back.credit) == (credit, debit)
    assert postings_of(sorry, Undone(before, 99_999)) == ()
    stranger = make.book(id="x", kind_of="reversal", reference="b0", licensee="le_2", site="other")
    assert postings_of(stranger, Undone(before, 100_000)) == ()


@pytest.mark.parametrize("kind", ["close", "invoice", "bill", "credit_note"])
def test_what_only_tells_of_billing_moves_nothing(make, kind):
    assert postings_of(make.book(kind_of=kind)) == ()
    assert kind in SILENT


def test_nobody_is_billed_without_a_name(make):
    for kind in ("tax", "round_up", "write_off"):
        assert postings_of(make.book(kind_of=kind, licensee="")) == ()


@pytest.mark.parametrize("micros", [2**63, 10**30])
@pytest.mark.parametrize("kind", ["credit", "due", "fee", "payout", "share"])
def test_what_no_store_holds_posts_nothing(make, kind, micros):
    assert postings_of(make.book(kind_of=kind, amount_micros=micros, memo="{}")) == ()
    assert postings_of(make.fetch(charged_micros=micros)) == ()
    assert len(postings_of(make.fetch(charged_micros=2**63 - 1))) == 1
