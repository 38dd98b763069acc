"""The owner's pages about consent: seen before it is done, only by forms of the session, and hostile text is text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gateway.licenses.consent import Answer
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import License, Standing
from gateway.licenses.objection import Objection, ObjectionState, Objector, Role
from gateway.licenses.withdrawal import USUAL
from gateway.uses import Use

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
async def licensee(consents, clock):
    """Somebody who holds a license over the essays."""
    policy, now = consents.policies()[0], clock.now_us() // 1_000_000
    made = enroll("Example AI", now=now, standing=Standing.ACTIVE)
    register = consents.taking_back._register
    await register.add_licensee(made.licensee, made.client)
    terms = policy.offers[0].terms
    await register.grant(License("li_1", made.licensee.id, "journal", "training", terms, "p", now, now + 99))
    return made.licensee.id


async def form_for(board, **fields):
    ticked = {f"use-{use}": "yes" for use in USUAL}
    return {"form": await board.form("/consent"), "site": "journal", "what": "essays", **ticked, **fields}


async def test_a_withdrawal_is_shown_before_it_is_done(board, consents, licensee):
    page = await board.post("/consent/withdraw", await form_for(board, reason="sold", private=HOSTILE))
    assert page.status == 200
    assert "Withdraw this?" in page.text
    assert licensee in page.text
    assert "<script>alert" not in page.text
    assert await consents.taking_back.store.all(9) == ()
    sure = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text.split("sure", 1)[1])
    )
    done = await board.post("/consent/withdraw", {**sure, "private": "a note"})
    (one,) = await consents.taking_back.store.all(9)
    assert (done.status, done.headers["Location"]) == (303, f"/consent/withdrawals/{one.id}?done=withdrawn")
    assert "within a second" in (await board.get(done.headers["Location"])).text
    assert one.by == "owner"
    assert (one.works, one.uses, one.reason, one.private) == (("essays",), USUAL, "sold", "a note")
    listed = (await board.get("/consent")).text
    assert one.id in listed
    assert "a note" not in listed
    shown = (await board.get(f"/consent/withdrawals/{one.id}")).text
    assert "a note" in shown
    assert "cannot be reached from here" in shown


async def test_it_is_readmitted_once(board, consents, licensee):
    await board.post("/consent/withdraw", await form_for(board, sure="yes"))
    (one,) = await consents.taking_back.store.all(9)
    at = f"/consent/withdrawals/{one.id}"
    form = {"form": await board.form(at)}
    assert (await board.post(f"{at}/readmit", form)).status == 303
    assert (await consents.taking_back.store.get(one.id)).readmitted_at
    page = await board.get(f"{at}?done=readmitted")
    assert "Readmit it" not in page.text
    assert (await board.post("/consent/withdrawals/wd_none/readmit", form)).status == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"what": "esays"}, "is no work of journal"),
        ({"what": ""}, "Nothing is named"),
        ({"site": "other"}, "Choose the site"),
        ({"reason": "x" * 501}, "at most 500"),
        ({f"use-{use}": "" for use in USUAL}, "Tick at least one use"),
        ({"what": "sha-256:" + "0" * 64}, "no delivery"),
        ({"what": "bundle:summer"}, "Name what is in the bundle"),
    ],
)
async def test_a_mistake_is_told_and_nothing_is_lost(board, consents, changes, said):
    page = await board.post(
        "/consent/withdraw", await form_for(board, **{"private": "kept", "sure": "yes", **changes})
    )
    assert page.status == 400
    assert said in page.text
    assert 'value="kept"' in page.text
    assert await consents.taking_back.store.all(9) == ()


async def test_an_objection_is_decided_with_its_person_in_sight_and_erased(board, consents, clock):
    now = clock.now_us() // 1_000_000
    one = Objection("ob_1", "journal", "/essays/tides", Role.DEPICTED, now)
    await consents.hearing.take_in(
        one, Objector(HOSTILE, "ada@mail.example", f"a\n{HOSTILE}"), now, hold=False
    )
    at = "/consent/objections/ob_1"
    page = await board.get(at)
    assert "ada@mail.example" in page.text
    assert "<script>alert" not in page.text
    assert "ada@mail.example" not in (await board.get("/consent")).text
    form = {"form": await board.form(at)}
    assert (await board.post(f"{at}/hold", form)).headers["Location"] == f"{at}?done=hold"
    (hold,) = await consents.taking_back.store.in_force(now)
    assert hold.hold
    shown = await board.get(f"/consent/withdrawals/{hold.id}")
    assert "Sales held" in shown.text
    assert (await board.post(f"/consent/withdrawals/{hold.id}/readmit", form)).status == 404
    refused = await board.post(f"{at}/dismiss", form)
    assert refused.status == 400
    assert "Say why" in refused.text
    assert (await board.post(f"{at}/uphold", {**form, "answer": "You are right."})).status == 303
    found = await consents.hearing.store.get("ob_1")
    assert (found.state, found.answer) == (ObjectionState.UPHELD, "You are right.")
    again = await board.post(f"{at}/dismiss", {**form, "answer": "no"})
    assert again.status == 400
    assert "is upheld already" in again.text
    assert (await board.post(f"{at}/erase", form)).status == 303
    assert "ada@mail.example" not in (await board.get(at)).text
    assert (await board.get("/consent/objections/ob_9")).status == 404


async def test_authors_are_listed_with_what_may_be_sold(board, consents, clock):
    asked = await consents.asking.ask(
        "journal", "essays", HOSTILE, 500_000, clock.now_us(), representative=False
    )
    await consents.asking.answer(asked.secret, {Use.AI_INPUT: Answer.CONSENT}, clock.now_us())
    page = (await board.get("/consent")).text
    assert "50 %" in page
    assert "<script>alert" not in page
    assert asked.secret not in page
    assert asked.consent.secret_sha256 not in page


async def test_nothing_is_done_without_a_form_of_the_session(board, start, filled, consents, clock):
    now = clock.now_us() // 1_000_000
    await consents.hearing.take_in(
        Objection("ob_1", "journal", "/x", Role.OTHER, now), Objector("a", "b", "c"), now, hold=False
    )
    good = await form_for(board, sure="yes")
    for path in ("/consent/withdraw", "/consent/withdrawals/wd_1/readmit", *(f"/consent/objections/ob_1/{act}" for act in ("hold", "uphold", "dismiss", "erase"))):  # fmt: skip
        assert (await board.post(path, {**good, "form": "0" * 64, "answer": "x"})).status == 403
        assert (await board.post(path, good, Sec_Fetch_Site="cross-site")).status == 403
        assert (await board.get(path)).status == 405
    assert await consents.taking_back.store.all(9) == ()
    assert await consents.hearing.store.objector("ob_1") is not None
    board.forget_cookies()
    for path in ("/consent", "/consent/withdrawals/wd_1", "/consent/objections/ob_1"):
        answer = await board.get(path)
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    assert (await board.post("/consent/withdraw", good)).status == 401


async def test_an_overdue_plan_is_seen(board, consents, licensee, clock):
    await board.post("/consent/withdraw", await form_for(board, sure="yes"))
    (one,) = await consents.taking_back.store.all(9)
    (removal,) = await consents.taking_back.store.removals(one.id)
    assert await consents.taking_back.store.change(replace(removal, plan_due=1, version=2))
    assert "overdue" in (await board.get("/consent")).text
    assert "overdue" in (await board.get(f"/consent/withdrawals/{one.id}")).text


async def test_whom_it_touches_what_they_were_promised_and_what_is_due_back_is_shown_before(board, licensee):
    page = await board.post("/consent/withdraw", await form_for(board, what="", **{"pick/essays": "yes"}))
    assert page.status == 200
    assert "li_1" in page.text
    # Answers are sold without a plan.
    assert "No plan was agreed." in page.text
    assert "To be credited" in page.text
    assert "not legal advice" in page.text


async def test_one_licensee_is_chosen_from_those_who_hold_a_license(board, consents, licensee):
    assert f'<option value="{licensee}">' in (await board.get("/consent")).text
    done = await board.post("/consent/withdraw", await form_for(board, what="", holder=licensee, sure="yes"))
    (one,) = await consents.taking_back.store.all(9)
    shown = (await board.get(done.headers["Location"])).text
    assert one.licensee == licensee
    for word in ("Acknowledgement", "Plan", "Attestation", "none owed"):
        assert word in shown


async def test_a_row_of_the_grid_leads_to_a_form_that_is_filled_in(board):
    page = (await board.get("/consent?site=journal&what=essays")).text
    assert re.search(r'name="pick/essays" value="yes" checked', page)
    assert "<b>" not in (await board.get("/consent?what=<b>")).text
