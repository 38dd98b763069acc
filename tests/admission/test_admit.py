from __future__ import annotations

import pytest

from gateway.admission.admit import Grant, acting_for, admit
from gateway.money import Money
from gateway.policy.rules import Mode, Verdict
from gateway.problems import Problem, Refusal
from gateway.uses import Use
from gateway.visitors.visitor import PERSON, Visitor, VisitorClass

BAD = Refusal(Problem.TOKEN_INVALID, "Changed.")


def test_what_is_free_is_served_and_a_bad_token_never_falls_through_to_free(visitor, ruling, ask) -> None:
    free = ruling(verdict=Verdict.SERVE, offers=())
    assert admit(free, visitor(), ask(), None) == Grant(uses=frozenset({Use.AI_TRAIN}))
    assert admit(free, visitor(), ask(), BAD) is BAD


def test_the_owners_block_stands_whatever_is_paid(claims, visitor, ruling, ask) -> None:
    blocked = ruling(verdict=Verdict.REFUSE, offers=(), problem="refused-by-owner")
    for credential in (None, BAD, claims()):
        refusal = admit(blocked, visitor(), ask(), credential)
        assert refusal.problem is Problem.REFUSED_BY_OWNER
        assert refusal.detail == "Rule 2 matches class ai."


def test_a_spoofed_name_is_told_so(visitor, ruling, ask) -> None:
    spoofed = ruling(verdict=Verdict.REFUSE, offers=(), problem="identity-not-proven")
    assert admit(spoofed, visitor(), ask(), None).problem is Problem.IDENTITY_NOT_PROVEN


def test_without_a_token_the_price_is_quoted(visitor, ruling, ask, offer) -> None:
    refusal = admit(ruling(), visitor(), ask(), None)
    assert refusal.problem is Problem.LICENSE_REQUIRED
    assert "0.005 USD" in refusal.detail
    free = admit(ruling(offers=(offer("open", 0),)), visitor(), ask(), None)
    assert free.problem is Problem.TOKEN_REQUIRED


def test_a_good_token_is_charged_at_its_own_price(claims, visitor, ruling, ask) -> None:
    grant = admit(ruling(), visitor(), ask(), claims(price=Money(7, "USD")))
    assert grant.charge.price == Money(7, "USD")
    assert (grant.charge.record_id, grant.charge.license) == (ask().id, "lic_1")
    assert grant.claims == claims(price=Money(7, "USD"))


def test_observe_charges_nothing_and_remembers_what_it_would_have(claims, visitor, ruling, ask) -> None:
    watching = ruling(mode=Mode.OBSERVE)
    unlicensed = admit(watching, visitor(), ask(), None)
    assert (unlicensed.would.problem, unlicensed.quote) == (Problem.LICENSE_REQUIRED, Money(5_000, "USD"))
    assert unlicensed.offers == ()
    licensed = admit(watching, visitor(), ask(), claims())
    assert (licensed.charge, licensed.quote) == (None, Money(5_000, "USD"))


def test_offer_refuses_nobody_advertises_and_honors_a_token(claims, visitor, ruling, ask) -> None:
    offering = ruling(mode=Mode.OFFER)
    open_ = admit(offering, visitor(), ask(), None)
    assert open_.would.problem is Problem.LICENSE_REQUIRED
    assert open_.offers == offering.offers
    assert admit(offering, visitor(), ask(), claims()).charge.price == Money(5_000, "USD")
    outside = admit(offering, visitor(), ask(country="US"), claims())
    assert (outside.charge, outside.would.problem) == (None, Problem.TERRITORY_NOT_COVERED)


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.OFFER])
@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("shown", ["none", "bad", "good", "narrow"])
def test_nobody_is_refused_unless_the_rules_bind(mode, verdict, shown, claims, visitor, ruling, ask) -> None:
    credential = {"none": None, "bad": BAD, "good": claims(), "narrow": claims(uses=frozenset({Use.SEARCH}))}[
        shown
    ]
    judged = ruling(mode=mode, verdict=verdict, offers=ruling().offers if verdict is Verdict.LICENSE else ())
    grant = admit(judged, visitor(), ask(), credential)
    assert isinstance(grant, Grant)
    bound = admit(
        ruling(mode=Mode.ENFORCE, verdict=verdict, offers=judged.offers), visitor(), ask(), credential
    )
    assert (grant.would == bound) if isinstance(bound, Refusal) else (grant.would is None)


def test_whoever_shows_a_credential_of_ours_is_no_person(claims, visitor) -> None:
    assert acting_for(PERSON, claims()).visitor_class is VisitorClass.AI
    assert acting_for(PERSON, BAD).visitor_class is VisitorClass.AI
    assert acting_for(PERSON, None) is PERSON
    assert acting_for(visitor(), claims()) == visitor()
    assert acting_for(Visitor(VisitorClass.AUTOMATION), claims()).visitor_class is VisitorClass.AI
