"""Signing in by a provider that is real: sockets, keys and tokens of its own; and everything that it may say wrongly."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
import time
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from aiohttp import web
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from cryptography.hazmat.primitives.asymmetric import ec
from markupsafe import escape

from gateway.app.identity_provider import identity_provider
from gateway.config import Config
from gateway.dashboard.carried import LONGEST
from gateway.dashboard.oidc import FLOW_US, Flow, Flows, NotSignedIn, Provider
from gateway.dashboard.permissions import Role
from gateway.dashboard.sessions import IDLE_US
from gateway.egress import Egress
from gateway.problems import ConfigurationError
from gateway.settings import Oidc
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.test_access_in_a_browser import browser
from tests.dashboard.test_browser import CHROMIUM

__all__ = ["browser"]
ROLES = {"ada@site.example": Role.OPERATOR, "sub-7": Role.VIEWER}


class Op:
    """A small provider: whoever comes is *who*, and what it says can be *bent*."""

    def __init__(self):
        self.key, self.kid = ec.generate_private_key(ec.SECP256R1()), "k1"
        self.who = {"sub": "sub-1", "email": "Ada@site.example", "email_verified": True}
        self.bent, self.described, self.codes, self.errors, self.asked = {}, {}, {}, "", []
        self.algorithm, self.signing_key = "ES256", None
        self.clock = time.time

    async def start(self):
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.discovery)
        app.router.add_get("/authorize", self.authorize)
        app.router.add_post("/token", self.token)
        app.router.add_get("/jwks", self.jwks)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.at = f"127.0.0.1:{self.runner.addresses[0][1]}"
        self.issuer = f"http://{self.at}"

    async def discovery(self, _request):
        self.asked.append("discovery")
        told = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks",
        }  # fmt: skip
        return web.json_response(told | self.described)

    async def authorize(self, request):
        asked = dict(request.query)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        back = {"state": asked["state"], "iss": self.issuer}
        if self.errors:
            raise web.HTTPFound(f"{asked['redirect_uri']}?error={self.errors}&state={asked['state']}")
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        back["code"] = code
        raise web.HTTPFound(f"{asked['redirect_uri']}?" + "&".join(f"{k}={v}" for k, v in back.items()))

    async def token(self, request):
        form = await request.post()
        asked = self.codes.pop(form["code"], None)
        login = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        fit = (
            asked is not None
            and login == "licet:s%26cret"
            and create_s256_code_challenge(form["code_verifier"]) == asked["code_challenge"]
            and form["redirect_uri"] == asked["redirect_uri"]
        )
        if not fit:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(self.clock())
        claims = {
            "iss": self.issuer, "aud": "licet", "exp": now + 300, "iat": now, "nonce": asked["nonce"], **self.who,
        } | self.bent  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(claims, self.signing_key or self.key, self.algorithm, {"kid": self.kid})
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": token})

    async def jwks(self, _request):
        told = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return web.json_response({"keys": [told | {"kid": "k1", "use": "sig", "alg": "ES256"}]})


@pytest.fixture
async def op(clock):
    provider = Op()
    await provider.start()
    provider.clock = lambda: clock.now_us() / 1e6
    yield provider
    await provider.runner.cleanup()


@pytest.fixture
def provider(op):
    way = Egress(exempt=(op.at,), plain=True)
    return Provider(op.issuer, "licet", "s&cret", "Example Org", ROLES, way)


async def through(board, op):
    """Go to the provider and come back; returns the last answer."""
    away = await board.get("/sign-in/oidc")
    assert away.status == 303, away.text
    assert away.headers["Location"].startswith(f"{op.issuer}/authorize?")
    async with board.client.get(away.headers["Location"], allow_redirects=False) as answer:
        back = answer.headers["Location"]
    assert back.startswith(board.base + "/sign-in/oidc/callback?")
    return await board.get(back.removeprefix(board.base), Sec_Fetch_Site="cross-site")


async def test_who_is_listed_comes_in_with_the_role_of_the_list(start, filled, provider, op, admin):
    board = await start(filled, oidc=provider, admin=admin)
    assert 'href="/sign-in/oidc">Sign in with Example Org' in (await board.get("/sign-in")).text
    entered = await through(board, op)
    assert entered.status == 200
    assert 'content="0; url=/"' in entered.text
    assert (await board.get("/")).status == 200
    (person,) = board.sessions.people.all
    assert (person.name, person.role, person.subject) == (
        "ada@site.example",
        Role.OPERATOR,
        f"{op.issuer} sub-1",
    )
    board.forget_cookies()
    # The same account is the same person, by its subject, whatever it is called now.
    op.who["sub"], op.who["email"] = "sub-7", "new@site.example"
    await through(board, op)
    op.who["email"] = "other@site.example"
    await through(board, op)
    assert [(each.name, each.role) for each in board.sessions.people.all] == [
        ("ada@site.example", Role.OPERATOR), ("new@site.example", Role.VIEWER),
    ]  # fmt: skip
    notes = [each.note for each in await admin.notes.latest(0, 9)]
    assert [(each.act, each.role, each.way, each.before) for each in notes] == [
        ("people.change", "viewer", "oidc", ""), ("people.change", "operator", "oidc", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ({"email_verified": False}, "may not sign in here"), ({"email_verified": "true"}, "may not sign in here"),
        ({"email": "eve@site.example"}, "may not sign in here"), ({"email": ["ada@site.example"]}, "may not"),
        ({"sub": 7, "email": None}, "not signed as it must be"),
    ],
)  # fmt: skip
async def test_who_is_not_listed_stays_out(start, filled, provider, op, who, said):
    board = await start(filled, oidc=provider)
    op.who |= who
    page = await through(board, op)
    assert page.status == 403
    assert said in page.text
    assert board.sessions.people.all == ()


@pytest.mark.parametrize(
    "bent",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"aud": ["licet", "another"]}, {"azp": "another"},
        {"exp": 1}, {"iat": 99_999_999_999}, {"nonce": "another"}, {"nonce": None}, {"exp": None}, {"iat": None},
        {"exp": "soon"}, {"sub": None},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_is_not_for_this_sign_in_opens_nothing(start, filled, provider, op, bent):
    board = await start(filled, oidc=provider)
    op.bent = bent
    page = await through(board, op)
    assert page.status == 403
    assert (await board.get("/")).status == 303


async def test_a_token_of_another_key_or_without_one_opens_nothing(start, filled, provider, op):
    board = await start(filled, oidc=provider)
    op.signing_key = ec.generate_private_key(ec.SECP256R1())
    assert (await through(board, op)).status == 403
    op.signing_key, op.kid = None, "k2"
    assert (await through(board, op)).status == 403
    op.kid, op.algorithm, op.signing_key = "k1", "HS256", "x" * 40
    assert (await through(board, op)).status == 403
    for token in (None, 7, "", "a.b.c", "x" * 20_000, "eyJhbGciOiJub25lIn0.e30."):
        assert isinstance(provider.claims(token, {"keys": []}, "n", 0), NotSignedIn)


async def test_the_way_back_belongs_to_the_browser_that_left_and_ends(start, filled, provider, op, clock):
    board = await start(filled, oidc=provider)
    away = await board.get("/sign-in/oidc")
    asked = dict(parse_qsl(urlsplit(away.headers["Location"]).query))
    cookie = away.headers["Set-Cookie"].lower()
    assert "samesite=lax" in cookie
    assert "httponly" in cookie
    async with board.client.get(away.headers["Location"], allow_redirects=False) as answer:
        back = answer.headers["Location"].removeprefix(board.base)
    kept = list(board.client.cookie_jar)
    board.forget_cookies()
    stolen = await board.get(back)
    assert stolen.status == 403
    assert "was not begun here" in stolen.text
    assert kept
    assert asked["state"] not in stolen.text
    second = await board.get("/sign-in/oidc")
    clock.advance(FLOW_US / 1e6)
    async with board.client.get(second.headers["Location"], allow_redirects=False) as answer:
        late = answer.headers["Location"].removeprefix(board.base)
    assert (await board.get(late)).status == 403
    for path in ("/sign-in/oidc/callback", "/sign-in/oidc/callback?state=x&code=y"):
        assert (await board.get(path)).status == 403
    assert board.sessions.people.all == ()


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": None}, {"jwks_uri": 7},
        {"authorization_endpoint": "javascript:alert(1)"}, {"authorization_endpoint": "data:text/html,x"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_description_that_is_bent_leads_nowhere(start, filled, provider, op, described):
    board = await start(filled, oidc=provider)
    op.described = described
    answer = await board.get("/sign-in/oidc")
    assert answer.status == 403
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest",
        "https://127.0.0.1/token",
        "http://localhost:1/x",
        "file:///etc/passwd",
    ],
)
async def test_what_a_description_names_is_asked_by_the_guarded_way_out_alone(
    start, filled, provider, op, place
):
    board = await start(filled, oidc=provider)
    op.described = {"token_endpoint": place}
    page = await through(board, op)
    assert page.status == 403
    assert "The provider cannot be asked." in page.text
    shut = replace(provider, egress=Egress(plain=True))
    assert isinstance(await shut.begin("http://localhost/back", 0), NotSignedIn)


async def test_whoever_is_disabled_here_stays_out_whatever_the_provider_says(start, filled, provider, op):
    board = await start(filled, oidc=provider)
    await through(board, op)
    (person,) = board.sessions.people.all
    board.sessions.file.change(
        lambda access: (access.with_people(access.people.with_one(replace(person, disabled_us=5))), None)
    )
    assert (await board.get("/")).status == 303
    assert "may not sign in here any more" in (await through(board, op)).text


async def test_a_refusal_of_the_provider_is_said(start, filled, provider, op):
    board = await start(filled, oidc=provider)
    op.errors = "access_denied"
    assert "The provider said no." in (await through(board, op)).text


def test_flows_are_bounded_and_end_once():
    flows, flow = Flows(), Flow("n", "v", "http://localhost/", 10)
    for number in range(300):
        flows.keep(str(number), flow, 0)
    assert flows.take("0", 0) is None
    assert flows.take("299", 0) is flow
    assert flows.take("299", 0) is None
    assert flows.take("298", 10) is None


def test_a_provider_without_what_it_needs_is_a_mistake_by_key(tmp_path):
    assert identity_provider(Config(tmp_path)) is None
    told = Oidc(issuer="https://op.example", client_secret_file="none.txt")
    with pytest.raises(ConfigurationError) as wrong:
        identity_provider(Config(tmp_path, oidc=told))
    assert {each.key for each in wrong.value.mistakes} == {"oidc.client_id", "oidc.roles", ""}
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    told = Oidc(
        issuer="https://op.example",
        client_id="licet",
        client_secret_file="secret",
        roles={"Ada@x.example": "owner"},
    )
    made = identity_provider(Config(tmp_path, oidc=told))
    assert (made.secret, made.roles) == ("s3cret", {"ada@x.example": Role.OWNER})
    assert "s3cret" not in repr(made)


async def held_again(board, typed):
    """Send a form without a session; the form that goes on to the provider, with what it carries."""
    page = await board.post("/people/add", typed, Accept="text/html")
    assert page.status == 401
    form = re.search(r'<form method="post" action="/sign-in/oidc".*?</form>', page.text, re.DOTALL)[0]
    return {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    }


async def test_what_was_being_written_comes_back_from_the_provider(start, filled, provider, op):
    board = await start(filled, oidc=provider)
    sent = await held_again(board, {"name": HOSTILE[2], "role": "viewer"})
    assert sent["held:name"] == HOSTILE[2]
    leaving = await board.post("/sign-in/oidc", sent, Accept="text/html")
    assert leaving.status == 200
    assert 'content="0; url=/sign-in/oidc"' in leaving.text
    entered = await through(board, op)
    assert 'action="/people/add"' in entered.text
    assert str(escape(HOSTILE[2])) in entered.text
    assert HOSTILE[2] not in entered.text
    # Nothing was done yet, and it is there once.
    assert len(board.sessions.people.all) == 1
    board.forget_cookies()
    assert "What you were writing" not in (await through(board, op)).text


async def test_a_refusal_there_loses_nothing_either(start, filled, provider, op):
    board = await start(filled, oidc=provider)
    await board.post("/sign-in/oidc", await held_again(board, {"name": "bo"}), Accept="text/html")
    op.errors = "access_denied"
    page = await through(board, op)
    assert page.status == 403
    assert "The provider said no." in page.text
    assert 'name="held:name" value="bo"' in page.text


async def test_a_form_to_carry_is_of_our_page_and_has_an_end(start, filled, provider, op):
    board = await start(filled, oidc=provider)
    sent = await held_again(board, {"name": "x" * LONGEST})
    page = await board.post("/sign-in/oidc", sent, Accept="text/html")
    assert page.status == 403
    assert "cannot be kept" in page.text
    assert "x" * LONGEST in page.text, "it stays in the page"
    page = await board.post(
        "/sign-in/oidc", sent | {"form": "another", "held:name": "bo"}, Accept="text/html"
    )
    assert page.status == 403
    assert 'name="held:name" value="bo"' in page.text
    assert "What you were writing" not in (await through(board, op)).text


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium")
async def test_a_browser_goes_and_comes_back_signed_in(browser, start, filled, provider, op):
    board = await start(filled, oidc=provider)
    await board.set_password()
    base = board.base.replace("127.0.0.1", "localhost")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{base}/sign-in")
    await page.get_by_role("link", name="Sign in with Example Org").click()
    await page.get_by_role("heading", name="Overview").wait_for()
    assert "ada@site.example" in await page.locator(".me").inner_text()
    await context.close()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium")
async def test_a_browser_comes_back_to_what_it_was_writing_without_script(
    browser, start, filled, provider, op, clock
):
    board = await start(filled, oidc=replace(provider, roles={"sub-1": Role.OWNER}))
    base = board.base.replace("127.0.0.1", "localhost")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{base}/sign-in/oidc")
    await page.get_by_role("heading", name="Overview").wait_for()
    await page.goto(f"{base}/people")
    await page.get_by_label("Sign-in name").fill("bo")
    clock.advance(IDLE_US / 1e6)
    await page.get_by_role("button", name="Make an invitation").click()
    await page.get_by_text("Your session had ended.").wait_for()
    await page.get_by_role("button", name="Sign in with Example Org").click()
    await page.get_by_role("heading", name="What you were writing").wait_for()
    assert await page.locator("textarea").first.input_value() == "bo"
    assert [each.name for each in board.sessions.people.all] == ["ada@site.example"]
    await page.get_by_role("button", name="Send it now").click()
    await page.get_by_text("/sign-in?token=").wait_for()
    assert {each.name for each in board.sessions.people.all} == {"ada@site.example", "bo"}
    await context.close()
