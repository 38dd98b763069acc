"""Every kind of entry on an account, and totals that are the ledger's balances."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.account_statements import AccountExtract, account_statement
from gateway.billing.billing_rules import BillingRules, Party
from gateway.billing.invoices import Billing, NotIssued, document_of
from gateway.billing.postings import Booked, Undone, owed, postings_of, prepaid
from gateway.billing.statements import Period
from gateway.money import Money
from gateway.provenance.record import BookEntry

NOVEMBER = Period.parse("2026-11")
ACCOUNTS = {"prepaid": prepaid("le_1"), "owed": owed("le_1")}
HOLDER = "agent:Notary Example"
#: What each kind does to (prepaid, owed), in signs; None where it is not on an account at all.
KINDS = {
    "credit": (1, 0), "fee": (-1, 0), "due": (0, -1), "payment": (-1, 1), "deposit": (0, 0), "promise": (0, -1),
    "milestone": (0, 0), "dispute": (0, 0), "release": (0, 0), "refund": (0, 0), "reversal": (0, 0), "rate": (0, 0),
    "claim": (0, 0), "withdrawn": (0, 0), "share": (0, 0), "close": None, "invoice": None, "bill": None,
    "credit_note": None, "tax": (0, -1), "round_up": (0, -1), "round_down": (0, 1), "write_off": (0, 1),
}  # fmt: skip
#: Entries of a creator, which name no licensee and so are on no account.
OF_CREATOR = {"payout", "payout_fee"}


def entry(kind, micros=900, id="e", **changes):
    said = {"license": "lic_1", "reference": HOLDER if kind == "deposit" else "", **changes}
    return BookEntry(id, NOVEMBER.since_us, kind, "journal", "le_1", micros, "USD", **said)


def account(entries, closed=0):
    """The statement of *entries*, and what they leave on both accounts."""
    postings, by_id, gone = [], {}, Counter()
    for each in entries:
        before = by_id.get(each.reference)
        undone = Undone(before, before.amount.micros - gone[each.reference]) if before else None
        for posting in postings_of(each, undone):
            postings.append(posting)
            by_id[each.id] = posting
            gone[posting.undoes] += posting.amount.micros
    posted = tuple(
        (name, posting.code, Money(posting.effect_on(account), "USD"))
        for posting in postings
        for name, account in ACCOUNTS.items()
    )
    booked = tuple((Booked(at, each), False) for at, each in enumerate(entries, 1))
    promised = sum(posting.effect_on("milestone:lic_1") for posting in postings)
    extract = AccountExtract(
        booked=booked, postings=tuple(postings), posted=posted, closed_seq=closed,
        held=(("milestone:lic_1", Money(promised, "USD")),) if promised else (),
    )  # fmt: skip
    balances = {name: sum(p.effect_on(account) for p in postings) for name, account in ACCOUNTS.items()}
    balances["promised"] = promised
    return account_statement("le_1", "Example AI", NOVEMBER, extract), balances


def billed(entries):
    made, _ = account(entries, closed=99)
    told = document_of(made, "USD", Billing(BillingRules(), Party(), 1)).told
    return [(each["kind"], each["micros"], each["prepaid_micros"]) for each in told["lines"]]


def test_the_table_names_every_kind_that_entries_have():
    named = set(re.findall(r"``(\w+)``", BookEntry.__doc__ or ""))
    assert named == set(KINDS) | OF_CREATOR


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_on_an_account_with_its_sign_or_is_not_told(kind):
    made, _ = account([entry(kind)])
    signs = [(line.prepaid.micros, line.owed.micros) for line in made.lines]
    wanted = KINDS[kind]
    assert signs == ([] if wanted is None else [(900 * wanted[0], 900 * wanted[1])])


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.integers(1, 10**9), st.integers(0, 12)), max_size=12
    )
)
def test_the_totals_are_what_the_ledger_holds(drawn):
    entries = [
        entry(kind, micros, f"e{at}", **({} if kind == "deposit" else {"reference": f"e{to}"}))
        for at, (kind, micros, to) in enumerate(drawn)
    ]
    made, balances = account(entries)
    closing = sum(total.closing.micros for total in made.totals)
    left = sum(total.left_to_pay.micros for total in made.totals)
    assert (closing, -left) == (balances["prepaid"], balances["owed"] + balances["promised"])
    assert all(not total.to_pay and not total.opening for total in made.totals), "it began with nothing"


@pytest.mark.parametrize(("kind", "paid"), [("promise", 0), ("deposit", 400)])
def test_a_milestone_is_billed_when_it_is_released(kind, paid):
    waits = entry(kind, id="m")
    back = entry("refund", 500, "back", reference="m")
    for unbilled in ([waits], [waits, back], [entry("release", 400, "out", reference="nothing")]):
        with pytest.raises(NotIssued, match="nothing is to be billed"):
            billed(unbilled)
    assert billed([waits, back, entry("release", 400, "out", reference="m")]) == [("release", 400, paid)]


def test_a_promise_is_not_to_be_paid_before_its_milestone_is_released():
    vow = entry("promise", id="m")
    out, back = entry("release", 400, "out", reference="m"), entry("refund", 500, "back", reference="m")
    for entries, left in (([vow], 0), ([vow, out], 400), ([vow, back], 0), ([vow, out, back], 400)):
        made, balances = account(entries)
        (total,) = made.totals
        assert (total.left_to_pay.micros, total.forgiven.micros) == (left, 0)
        assert balances["promised"] == sum(each.amount.micros for each in made.held)
        assert [line.to_pay.micros for line in made.lines] == [400 * (each is out) for each in entries]
    # It was promised in a month before this one: what is released now is due now.
    made, _ = account([vow, out])
    later = AccountExtract(
        opening=(("owed", Money(-900, "USD")),), booked=((Booked(2, out), False),),
        postings=tuple(postings_of(out, Undone(postings_of(vow)[0], 900))), held=(("milestone:lic_1", Money(500, "USD")),),
    )  # fmt: skip
    (total,) = account_statement("le_1", "Example AI", NOVEMBER, later).totals
    assert (total.to_pay.micros, total.due.micros, total.left_to_pay.micros) == (0, 400, 400)


@pytest.mark.parametrize(("kind", "prepaid_", "left"), [("promise", 0, 300), ("deposit", 100, 0)])
def test_a_release_that_is_credited_is_owed_no_more_or_is_credit_where_it_was_held(kind, prepaid_, left):
    waits, out = entry(kind, id="m"), entry("release", 400, "out", reference="m")
    note = entry("reversal", 100, "cr_1", reference="out")
    made, balances = account([waits, out, note])
    (total,) = made.totals
    assert (total.closing.micros, total.left_to_pay.micros) == (prepaid_, left)
    assert balances["prepaid"] == prepaid_
    for wrong in ({"license": ""}, {"license": "lic_2"}):
        _, balances = account([waits, out, entry("reversal", 100, "cr_1", reference="out", **wrong)])
        assert balances["prepaid"] == 0
        assert balances["owed"] == (-900 if kind == "promise" else 0)
