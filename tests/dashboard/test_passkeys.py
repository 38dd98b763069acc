"""Passkeys with Chromium's own virtual authenticator: made, used, listed, removed; and answers that prove nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.dashboard.passkeys import (
    CHALLENGE_US,
    Challenges,
    Place,
    creation_options,
    made,
    proven,
    request_options,
)
from gateway.dashboard.people import Passkey, Person
from gateway.dashboard.permissions import Role
from gateway.dashboard.sessions import IDLE_US
from tests.dashboard.conftest import HOSTILE, form_token
from tests.dashboard.test_access_in_a_browser import browser
from tests.dashboard.test_browser import CHROMIUM, Watch, picture

__all__ = ["browser"]
pytest.importorskip("webauthn")
ADA = Person("pe_1", "ada", Role.OWNER, 1, "hash")
HERE = Place("localhost", "http://localhost:8403")


@pytest.mark.parametrize(
    ("host", "fit"),
    [("localhost", True), ("dash.example", True), ("127.0.0.1", False), ("::1", False), ("", False)],
)
def test_passkeys_are_made_for_names(host, fit):
    assert Place(host, f"http://{host}").fit is fit


def test_a_challenge_is_answered_once_and_in_time():
    asked = Challenges()
    asked.keep("a", b"one", 0)
    asked.keep("a", b"two", 0)
    assert asked.take("b", 1) is None
    assert asked.take("a", 1) == b"two"
    assert asked.take("a", 1) is None
    asked.keep("a", b"late", 0)
    assert asked.take("a", CHALLENGE_US) is None
    for number in range(300):
        asked.keep(str(number), b"x", 0)
    assert asked.take("0", 1) is None
    assert asked.take("299", 1) == b"x"


def test_what_is_asked_names_us_and_wants_the_device_to_check_its_user():
    known = Passkey("AAAA", "BBBB", 0, "localhost", "old", 1)
    elsewhere = replace(known, id="CCCC", host="dash.example")
    options, challenge = creation_options(replace(ADA, passkeys=(known, elsewhere)), HERE)
    asked = json.loads(options)
    assert asked["rp"]["id"] == "localhost"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert [each["id"] for each in asked["excludeCredentials"]] == ["AAAA"]
    assert len(challenge) >= 16
    again, _ = request_options(HERE)
    assert json.loads(again)["userVerification"] == "required"
    assert "allowCredentials" not in json.loads(again) or json.loads(again)["allowCredentials"] == []


@pytest.mark.parametrize(
    "answer",
    ["", "{}", "[]", "null", "7", '"x"', "{" * 5000, "x" * 20_000, *HOSTILE[:4],
     '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}',
     '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}',
     '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"\\u0000","attestationObject":"////"}}',
     '{"id":["AAAA"],"rawId":{},"type":1,"response":[]}'],
)  # fmt: skip
def test_an_answer_that_proves_nothing_is_none(answer):
    assert made(answer, b"challenge", HERE, "x", 1) is None
    holder = replace(ADA, passkeys=(Passkey("AAAA", "oA", 0, "localhost", "x", 1),))
    assert proven(answer, b"challenge", HERE, [holder]) is None


async def authenticator(context, page):
    """A device with one user that says yes to whatever it is asked."""
    session = await context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    added = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, added["authenticatorId"]


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium")
async def test_a_passkey_is_made_signs_in_is_counted_and_removed(browser, start, filled, admin, clock):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    board = await start(filled, admin=admin)
    base = board.base.replace("127.0.0.1", "localhost")
    context = await browser.new_context(viewport={"width": 1280, "height": 844})
    watch = Watch(context, base)
    page = await context.new_page()
    device, id = await authenticator(context, page)
    owner = board.become("owner")
    session = board.sessions.begin(board.sessions.people.of_id(owner), "password")
    await context.add_cookies([{"name": "licet_session", "value": session, "url": base}])
    await page.goto(f"{base}/account/passkeys")
    await page.get_by_label("Name").fill("my laptop")
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_role("rowheader", name="my laptop").wait_for()
    await picture(page, "access-passkeys-light-1280")
    assert (await axe.Axe().run(page)).violations_count == 0
    (kept,) = board.sessions.people.of_id(owner).passkeys
    assert (kept.host, kept.name) == ("localhost", "my laptop")

    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.get_by_role("button", name="Sign in with a passkey").wait_for()
    await picture(page, "access-passkey-sign-in")
    assert (await axe.Axe().run(page)).violations_count == 0
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url(f"{base}/")
    assert board.sessions.people.of_id(owner).passkeys[0].count > kept.count
    assert board.sessions.people.of_id(owner).passkeys[0].public_key == kept.public_key

    # A password that somebody learned is not enough where its owner wants it so.
    await page.goto(f"{base}/account/passkeys")
    # The session ends meanwhile: the passkey leads back to what was about to be sent.
    clock.advance(IDLE_US / 1e6)
    await page.get_by_role("button", name="Ask for a passkey always").click()
    await page.get_by_text("Your session had ended.").wait_for()
    # The browser itself remarks on such a status; that is the only remark allowed.
    assert all("401 (Unauthorized)" in said for said in watch.said)
    watch.said.clear()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_role("heading", name="What you were writing").wait_for()
    assert not board.sessions.people.of_id(owner).passkey_only
    await page.get_by_role("button", name="Send it now").click()
    await page.get_by_role("button", name="Let the password do").wait_for()
    await picture(page, "access-passkeys-only")
    assert board.sessions.people.of_id(owner).passkey_only

    # A device that does not know its user is not enough, and says so without leaving the page.
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await device.send("WebAuthn.setUserVerified", {"authenticatorId": id, "isUserVerified": False})
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_text("The device was not asked, or said no.").wait_for()
    await device.send("WebAuthn.setUserVerified", {"authenticatorId": id, "isUserVerified": True})
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url(f"{base}/")
    await page.goto(f"{base}/account/passkeys")
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_text("my laptop").wait_for(state="detached")
    assert board.sessions.people.of_id(owner).passkeys == ()
    assert watch.clean()
    noted = [each.note.subject for each in await admin.notes.latest(0, 9)]
    assert noted == [f"/account/passkeys/{kept.id}/remove", "/account/passkeys/only", "/account/passkeys/add"]
    assert not board.sessions.people.of_id(owner).passkey_only
    await context.close()


async def test_by_address_it_is_said_where_passkeys_can_be_made(start, filled):
    board = await start(filled)
    board.become("owner")
    page = await board.get("/account/passkeys")
    assert "A browser makes passkeys for a name, not for an address." in page.text
    named = await board.get("/account/passkeys", Host="localhost")
    assert "This needs JavaScript" in named.text
    wrong = await board.post("/account/passkeys/add", {"form": form_token(page.text), "answer": "{}"})
    assert wrong.status == 409
    assert (await board.post("/account/passkeys/options", {})).status == 403
    assert (await board.post("/sign-in/passkey", {"answer": "{}"})).status == 403
    form = await board.form("/account")
    assert (await board.post("/account/passkeys/nothing/remove", {"form": form})).status == 404
