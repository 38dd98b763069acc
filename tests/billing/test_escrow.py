"""Milestones: every way through, every way that is shut, and that no money is made or lost on any of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.billing.escrow import (
    Milestone,
    Proof,
    Stamp,
    State,
    disputed,
    funded,
    given_back,
    ingested,
    lapsed,
    met,
    released,
    settled,
    standing,
)
from gateway.billing.postings import (
    CLEARING,
    Booked,
    Undone,
    earned,
    owed,
    postings_of,
    reference_of,
    waiting,
)
from gateway.billing.reconcile import Books, reconcile
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.holding import NOBODY, Holder

DAY = 86_400
AGENT = Holder.read("agent:Notary Example")


def milestone(holder=AGENT, proof=Proof.OPERATOR, **changes):
    members = {"amount": Money(1_000_001, "USD"), "until": 100 * DAY, **changes}
    return Milestone("lic_1", "le_1", "journal", "training", holder=holder, proof=proof, **members)


class Story:
    """A journal that grows by what acts answer with, and its postings."""

    def __init__(self, about):
        self.about, self.entries, self.second = about, [], DAY

    @property
    def now(self):
        return standing(self.about, self.entries)

    def do(self, act, *args, **more):
        ids = (f"e{len(self.entries)}", f"e{len(self.entries)}b")
        made = act(self.about, self.now, Stamp(ids, self.second * 1_000_000, "operator"), *args, **more)
        if isinstance(made, Refusal):
            assert made.problem is Problem.MILESTONE_WAITS
            return made
        self.entries += made
        return self.now.state

    def postings(self):
        found, left = {}, Counter()
        for entry in self.entries:
            before = found.get(reference_of(entry))
            undone = before and Undone(before, before.amount.micros - left[before.entry_id])
            for posting in postings_of(entry, undone):
                found[entry.id] = posting
                left[posting.undoes] += posting.amount.micros
        return tuple(found.values())

    def balances(self):
        sums = Counter()
        for posting in self.postings():
            for account in (posting.debit, posting.credit):
                sums[account] += posting.effect_on(account)
        return {account: micros for account, micros in sums.items() if micros}


@pytest.fixture(params=[AGENT, Holder.read("provider:Stripe"), NOBODY], ids=str)
def story(request):
    return Story(milestone(request.param))


def source(story):
    return owed("le_1") if story.about.holder is NOBODY else CLEARING


def test_met_and_released(story):
    assert story.now.state is State.PLANNED
    assert story.do(funded) is State.WAITING
    account = waiting("lic_1", story.about.holder)
    assert story.balances() == {source(story): -1_000_001, account: 1_000_001}
    assert story.do(met, Proof.OPERATOR, "seen") is State.MET
    assert isinstance(story.do(released), Refusal), "the licensee may still object"
    story.second += story.about.objection - 1
    assert isinstance(story.do(released), Refusal)
    story.second += 1
    assert isinstance(story.do(disputed, "late"), Refusal), "and now no more"
    assert story.do(released) is State.RELEASED
    assert story.balances() == {source(story): -1_000_001, earned("journal"): 1_000_001}
    for act, *args in (
        (funded,),
        (met, Proof.OPERATOR, ""),
        (released,),
        (lapsed,),
        (given_back,),
        (disputed, "x"),
    ):
        assert isinstance(story.do(act, *args), Refusal)


def test_released_at_once_where_the_licensee_agrees(story):
    story.do(funded)
    story.do(met, Proof.OPERATOR, "seen")
    assert story.do(released, agreed=True) is State.RELEASED


def test_not_met_in_time(story):
    story.do(funded)
    assert isinstance(story.do(lapsed), Refusal)
    story.second = story.about.until
    assert isinstance(story.do(met, Proof.OPERATOR, "seen"), Refusal)
    assert story.do(lapsed) is State.REFUNDED
    assert story.balances() == {}


@pytest.mark.parametrize(
    ("micros", "state"), [(0, State.REFUNDED), (1_000_001, State.RELEASED), (1, State.SHARED)]
)
def test_a_dispute_is_settled_between_both(story, micros, state):
    story.do(funded)
    story.do(met, Proof.OPERATOR, "seen")
    assert isinstance(story.do(disputed, " "), Refusal)
    assert story.do(disputed, "the model was not trained on it") is State.DISPUTED
    assert story.now.why == "the model was not trained on it"
    story.second = story.about.until * 9
    for act in (released, lapsed):
        assert isinstance(story.do(act), Refusal), "no clock moves what is disputed"
    for wrong in (Money(-1, "USD"), Money(1_000_002, "USD"), Money(1, "EUR")):
        assert isinstance(story.do(settled, wrong), Refusal)
    assert story.do(settled, Money(micros, "USD")) is state
    assert story.now.released == Money(micros, "USD")
    assert story.balances().get(earned("journal"), 0) == micros
    assert not story.balances().get(waiting("lic_1", story.about.holder))


def test_a_settlement_that_a_crash_cut_in_two_is_finished_later(story):
    story.do(funded)
    story.do(disputed, "no")
    story.do(settled, Money(400_000, "USD"))
    story.entries.pop()
    assert (story.now.state, story.now.left) == (State.DISPUTED, Money(600_001, "USD"))
    assert story.do(settled, Money(0, "USD")) is State.SHARED


def test_given_back_at_any_time_before_it_is_over(story):
    story.do(funded)
    assert story.do(given_back) is State.REFUNDED
    assert story.balances() == {}


def test_only_what_was_agreed_shows_it():
    story = Story(milestone(proof=Proof.STATEMENT))
    story.do(funded)
    for proof in (Proof.OPERATOR, Proof.JOURNAL):
        assert isinstance(story.do(met, proof, "x"), Refusal)
    assert story.do(met, Proof.STATEMENT, "sha-256:" + "0" * 64) is State.MET


def test_ingestion_is_shown_by_the_journal_itself(make):
    about = milestone(proof=Proof.JOURNAL, items=2)
    fetches = [
        make.fetch(id="a", path="/essays/a", time_us=5_000_000),
        make.fetch(id="b", path="/essays/a", time_us=6_000_000),
        make.fetch(id="c", path="/essays/b", time_us=7_000_000, charge_reason="not-delivered"),
        make.fetch(id="d", path="/essays/b", time_us=8_000_000, license="lic_2"),
    ]
    assert ingested(about, fetches) is None
    story = Story(about)
    story.do(funded)
    assert isinstance(story.do(met, Proof.JOURNAL, "", fetches), Refusal)
    # Another worker wrote an earlier one that came in later.
    fetches.append(make.fetch(id="e", path="/essays/a", rendition="transcript", time_us=3_000_000))
    assert ingested(about, fetches) == 5
    assert story.do(met, Proof.JOURNAL, "", fetches) is State.MET


def test_entries_of_others_change_nothing(make):
    story = Story(milestone())
    story.do(funded)
    before = story.now
    for changes in (
        {"license": "lic_2", "reference": "e0"}, {"reference": "other"}, {"reference": "e0", "currency": "EUR"},
        {"reference": "e0", "amount_micros": 1_000_002}, {"reference": "e0", "amount_micros": -1},
    ):  # fmt: skip
        strange = {"id": "s", "kind_of": "release", "license": "lic_1", "amount_micros": 5, **changes}
        assert standing(story.about, [*story.entries, make.book(**strange)]) == before
    for changes in (
        {"memo": "launch"},
        {"reference": "agent:Other"},
        {"amount_micros": 1},
        {"licensee": "le_2"},
    ):
        deposit = {
            "kind_of": "deposit", "license": "lic_1", "memo": "training", "reference": str(AGENT),
            "amount_micros": 1_000_001, **changes,
        }  # fmt: skip
        assert standing(story.about, [make.book(**deposit)]).state is State.PLANNED


class Milestones(RuleBasedStateMachine):
    """Acts in any order and at any time: each is refused or keeps the books whole."""

    def __init__(self):
        super().__init__()
        self.story = None
        self.over = None

    @precondition(lambda self: self.story is None)
    @rule(
        holder=st.sampled_from([AGENT, NOBODY]),
        micros=st.integers(1, 10**15),
        currency=st.sampled_from(["USD", "JPY"]),
    )
    def plan(self, holder, micros, currency):
        self.story = Story(milestone(holder, amount=Money(micros, currency), until=20 * DAY))

    @precondition(lambda self: self.story)
    @rule(seconds=st.integers(0, 8 * DAY))
    def wait(self, seconds):
        self.story.second += seconds

    @precondition(lambda self: self.story)
    @rule(
        act=st.sampled_from([
            (funded,), (met, Proof.OPERATOR, "seen"), (met, Proof.STATEMENT, "no"), (disputed, "why"), (released,),
            (lapsed,), (given_back,),
        ])
    )  # fmt: skip
    def act(self, act):
        before = self.story.now
        after = self.story.do(*act)
        if isinstance(after, Refusal):
            assert self.story.now == before

    @precondition(lambda self: self.story)
    @rule(agreed=st.booleans())
    def release(self, agreed):
        self.story.do(released, agreed=agreed)

    @precondition(lambda self: self.story and self.story.now.left)
    @rule(part=st.integers(0, 10**6))
    def settle(self, part):
        self.story.do(settled, self.story.now.left.times(part, 10**6))

    @invariant()
    def no_money_is_made_or_lost(self):
        if self.story is None:
            return
        now, about, balances = self.story.now, self.story.about, self.story.balances()
        assert sum(balances.values()) == 0
        assert len(self.story.postings()) == sum(
            entry.kind_of not in {"milestone", "dispute"} for entry in self.story.entries
        ), "every entry that says it moves money does"
        assert balances.get(waiting("lic_1", about.holder), 0) == now.left.micros
        assert balances.get(earned("journal"), 0) == now.released.micros
        if now.state is not State.PLANNED:
            assert now.left + now.released + now.refunded == about.amount
        assert bool(now.left) == (now.state in {State.WAITING, State.MET, State.DISPUTED})

    @invariant()
    def what_is_over_stays_over(self):
        if self.over is not None:
            assert self.story.now == self.over
        elif self.story and self.story.now.state in {State.RELEASED, State.REFUNDED, State.SHARED}:
            self.over = self.story.now

    @invariant()
    def the_books_agree(self):
        if self.story is None:
            return
        currency = self.story.about.amount.currency
        books = Books(
            tuple(Booked(at, entry) for at, entry in enumerate(self.story.entries, 1)), self.story.postings(),
            tuple((account, Money(micros, currency)) for account, micros in self.story.balances().items()), (), (),
        )  # fmt: skip
        assert reconcile(books).faults == ()


TestMilestones = Milestones.TestCase
TestMilestones.settings = settings(stateful_step_count=20, max_examples=150, deadline=None)
