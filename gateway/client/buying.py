"""Buying at one desk: who we are there, a published offer, and a token of a license that is held.

What is bought is named by the hash of its terms, so that nothing dearer can be
sold under the name of an offer. Money is held before the request leaves, and a
purchase that got no answer keeps its hold and its idempotency key: asked again
it is the same purchase.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from gateway.client.caller import Answer, Caller, origin_of
from gateway.client.logins import WEB_BOT_AUTH, Login, Secret, TokenKey
from gateway.client.manifests import Manifests
from gateway.client.purse import Hold, Purse
from gateway.client.refused import Refused, Why, shown
from gateway.client.seller import Published, Seller
from gateway.client.wallet import Held, Wallet
from gateway.money import Money
from gateway.paths import Ambiguous, PathScope, canonical, narrowest

_DETAIL = "content_license"
#: What a desk answers where it wants to know who signs, and where a person decides.
_NAMELESS, WAITS = "contract-incomplete", "negotiation-waits"
_DECIDED = frozenset({_NAMELESS, WAITS})
#: A token is replaced when this much of its life is left, of a hundred parts, and at least these seconds.
_LEFT, _LEAST = 10, 5.0
#: No token is believed to live longer, in seconds.
_LONGEST_LIFE = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Token:
    """The signed proof of a license. *good_until* is monotonic; *price* is that of a fetch. The repr hides it.

    *bundle* is the manifest hash of what it is for as a whole, or ""; *manifest* where that is said to be.
    """

    value: str = field(repr=False)
    scheme: str
    license: str
    offer: str
    terms: str
    price: Money
    paths: tuple[PathScope, ...]
    excluded: tuple[PathScope, ...]
    good_until: float
    server: str
    bundle: str = ""
    manifest: str = field(default="", repr=False)

    def covers(self, path: str) -> bool:
        """Whether canonical *path* is inside."""
        return narrowest(path, self.paths, self.excluded) is not None


class Buying:
    """Buys for one session."""

    def __init__(
        self,
        caller: Caller,
        purse: Purse,
        wallet: Wallet,
        *,
        logins: tuple[Login, ...] = (),
        name: str = "",
        contacts: tuple[str, ...] = (),
        token_key: TokenKey | None = None,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Pay from *purse*; *name* is what to register as, "" registers nowhere; *token_key* binds tokens; *tell* hears each step."""
        self.tell = tell
        self._caller, self.purse, self.wallet = caller, purse, wallet
        self._logins = {login.origin: login for login in logins}
        self._name, self._contacts = name, contacts
        self._token_key, self._clock = token_key, clock
        self._nonces: dict[str, str] = {}
        self._holds: dict[str, Hold] = {}
        self._manifests = Manifests(lambda url: self._caller.send("GET", url, {"Accept": "application/json"}))

    async def login(self, seller: Seller) -> Login | Refused | None:
        """How to log in at *seller*; None where the signature of each request does."""
        given = self._logins.get(seller.origin) or self.wallet.clients.get(seller.origin)
        if given is not None:
            return given
        if self._caller.agent_key is not None and WEB_BOT_AUTH in seller.methods:
            return None
        if not self._name or not seller.registration_endpoint:
            return Refused.own(Why.NO_CREDENTIALS, f"The desk is {seller.issuer}", url=seller.issuer)
        answer = await self._caller.send(
            "POST",
            seller.registration_endpoint,
            {"Content-Type": "application/json"},
            orjson.dumps({"client_name": self._name, "contacts": list(self._contacts)}),
        )
        if isinstance(answer, Refused):
            return answer
        made = answer.json
        client, secret = made.get("client_id"), made.get("client_secret")
        if answer.status != 201 or not isinstance(client, str) or not isinstance(secret, str):
            return answer.refusal
        self.wallet.registered(Secret(seller.origin, client, secret))
        self.tell(f"registered at {seller.issuer} as {self._name}: client {shown(client)}")
        return self.wallet.clients[seller.origin]

    def hold(self, name: str, amount: Money) -> Hold | Refused:
        """Set aside what the purchase called *name* costs; a purchase asked for again has the hold it had."""
        held = self._holds.get(name)
        if held is not None and held.open:
            return held
        made = self.purse.hold(amount)
        if isinstance(made, Hold):
            self._holds[name] = made
        return made

    def ended(self, name: str, *, paid: bool) -> None:
        """The purchase called *name* was answered."""
        held = self._holds.pop(name, None)
        if held is not None:
            (self.purse.settle if paid else self.purse.release)(held)
        self.wallet.done(name)

    async def buy(
        self,
        seller: Seller,
        login: Login | None,
        offer: Published,
        page: str,
        party: Mapping[str, str] | None = None,
    ) -> Token | Refused:
        """Buy *offer* as it is published, for *page* and what else it covers; *party* is told where the desk asks who signs."""
        name = f"buy {seller.origin} {offer.id} {offer.terms.hash}"
        hold = self.hold(name, offer.due)
        if isinstance(hold, Refused):
            return hold
        wish = {"type": _DETAIL, "offer": offer.id, "terms": offer.terms.hash}
        answer = await self._asked(seller, login, wish, page, self.wallet.begin(name))
        if isinstance(answer, Answer) and party and answer.json.get("code") == _NAMELESS:
            # Nothing was sold; the same purchase by somebody who is named is another request.
            self.wallet.done(name)
            answer = await self._asked(
                seller, login, {**wish, "party": dict(party)}, page, self.wallet.begin(name)
            )
        elif isinstance(answer, Answer) and answer.status == 409 and answer.json.get("code") not in _DECIDED:
            # The key stood for a request of another form, such as one with a token key that is gone.
            self.wallet.done(name)
            answer = await self._asked(seller, login, wish, page, self.wallet.begin(name))
        if isinstance(answer, Refused):
            return answer
        if answer.status >= 500:
            return answer.refusal
        token = await self._placed(seller, self._read(seller, answer, offer.terms.hash, page))
        if isinstance(token, Token):
            self.wallet.licensed(Held(seller.origin, token.license, offer.id, token.terms))
            self.tell(
                f"bought the offer {shown(offer.id)}: license {shown(token.license)}, {offer.due} at signing"
            )
        self.ended(name, paid=answer.status == 200)
        return token

    async def token_of(self, seller: Seller, login: Login | None, held: Held, page: str) -> Token | Refused:
        """A token of a license that is held; it costs nothing but what is fetched with it."""
        answer = await self._asked(seller, login, {"type": _DETAIL, "license": held.license}, page)
        if isinstance(answer, Refused):
            return answer
        return await self._placed(seller, self._read(seller, answer, held.terms, page))

    async def _placed(self, seller: Seller, token: Token | Refused) -> Token | Refused:
        """*token* with every place of its bundle, where that is known; its withdrawn pages are refused when they are met."""
        if isinstance(token, Refused) or not token.bundle:
            return token
        places = await self._manifests.places(seller, token.bundle, token.terms, token.manifest)
        return replace(token, paths=(*token.paths, *places)) if places else token

    async def post(
        self,
        url: str,
        login: Login | None,
        seller: Seller,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Answer | Refused:
        """POST *body* as JSON to an address of *seller*, logged in; refused where *url* is of another origin."""
        if origin_of(url) != seller.origin:
            return Refused.own(Why.FOREIGN_SELLER, f"{url} is not of {seller.origin}", url=url)
        known = login.headers() if login else {}
        members = login.members(seller.issuer) if login else {}
        return await self._caller.send(
            "POST",
            url,
            {"Content-Type": "application/json", **known, **headers},
            orjson.dumps({**body, **members}),
        )

    async def post_form(
        self,
        url: str,
        login: Login | None,
        seller: Seller,
        form: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Answer | Refused:
        """POST *form* to an address of *seller*, logged in; refused where *url* is of another origin."""
        if origin_of(url) != seller.origin:
            return Refused.own(Why.FOREIGN_SELLER, f"{url} is not of {seller.origin}", url=url)
        known = login.headers() if login else {}
        members = login.members(seller.issuer) if login else {}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._caller.send(
            "POST", url, {**kind, **known, **(headers or {})}, urlencode({**form, **members}).encode()
        )

    async def read(
        self, url: str, login: Login | None, seller: Seller, headers: Mapping[str, str] | None = None
    ) -> Answer | Refused:
        """GET an address of *seller*, logged in."""
        if origin_of(url) != seller.origin:
            return Refused.own(Why.FOREIGN_SELLER, f"{url} is not of {seller.origin}", url=url)
        members = login.members(seller.issuer) if login else {}
        if members:
            # Who logs in by the body reads by POST.
            return await self.post(url, login, seller, {}, headers or {})
        known = login.headers() if login else {}
        return await self._caller.send("GET", url, {"Accept": "application/json", **known, **(headers or {})})

    async def content_key(
        self, seller: Seller, login: Login | None, token: Token, url: str
    ) -> Answer | Refused:
        """What the desk answers to whoever asks for the key of the encrypted file at *url* with *token*."""
        address, form = f"{seller.issuer}/key", {"token": token.value, "resource": url}
        answer = await self.post_form(address, login, seller, form, self._proof("POST", address, token))
        if isinstance(answer, Answer) and self.heard_nonce(answer):
            answer = await self.post_form(address, login, seller, form, self._proof("POST", address, token))
        return answer

    def page_headers(self, url: str, token: Token) -> dict[str, str]:
        """The headers that show *token* for one GET of *url*."""
        return {"Authorization": f"{token.scheme} {token.value}", **self._proof("GET", url, token)}

    def _proof(self, method: str, url: str, token: Token) -> dict[str, str]:
        """The proof of the key of *token*, where it is bound to one."""
        if token.scheme != "DPoP" or self._token_key is None:
            return {}
        nonce = self._nonces.get(origin_of(url), "")
        return {"DPoP": self._token_key.proof(method, url, token=token.value, nonce=nonce)}

    def heard_nonce(self, answer: Answer) -> bool:
        """Whether *answer* asks for a proof with another nonce; it is used from now on."""
        nonce = answer.header("dpop-nonce")
        fresh = bool(nonce) and self._nonces.get(origin_of(answer.url)) != nonce
        if fresh:
            self._nonces[origin_of(answer.url)] = nonce
        return fresh and self._token_key is not None

    async def _asked(
        self, seller: Seller, login: Login | None, wish: Mapping[str, Any], page: str, key: str = ""
    ) -> Answer | Refused:
        endpoint = seller.token_endpoint
        for _ in range(2):
            form = {
                "grant_type": "client_credentials",
                "resource": page.partition("?")[0],
                "authorization_details": orjson.dumps([wish]).decode(),
            }
            headers = {"Idempotency-Key": key} if key else {}
            if self._token_key is not None:
                nonce = self._nonces.get(seller.origin, "")
                headers["DPoP"] = self._token_key.proof("POST", endpoint, nonce=nonce)
            answer = await self.post_form(endpoint, login, seller, form, headers)
            if isinstance(answer, Refused):
                return answer
            wants = answer.json.get("error") == "use_dpop_nonce"
            if not (self.heard_nonce(answer) and wants):
                return answer
        return answer

    def _read(self, seller: Seller, answer: Answer, terms: str, page: str) -> Token | Refused:
        """The token in *answer*, if it is of the license terms with the hash *terms*; it was asked for to fetch *page*."""
        if answer.status != 200:
            return answer.refusal
        body = answer.json
        granted = body.get("authorization_details")
        details: list[Any] = granted if isinstance(granted, list) else []
        try:
            (detail,) = details
            seconds = body["expires_in"]
            value, scheme = body["access_token"], body["token_type"]
            price = Money(detail["price"]["micros"], detail["price"]["currency"])
            if detail["terms"] != terms or detail["price"]["per"] != "fetch" or price.micros < 0:
                return Refused.own(
                    Why.UNREADABLE, "The token is of other terms than were agreed on", url=answer.url
                )
            if not isinstance(value, str) or not value.isascii() or not value.isprintable():
                raise ValueError("a token is printable")
            if type(seconds) is not int or not 0 < seconds <= _LONGEST_LIFE:
                raise ValueError("a life is in whole seconds")
            left = max(seconds * _LEFT / 100, _LEAST)
            return Token(
                value,
                {"bearer": "Bearer", "dpop": "DPoP", "license": "License"}[str(scheme).lower()],
                str(detail["license"]),
                str(detail["offer"]),
                terms,
                price,
                _places(detail, page),
                tuple(PathScope(each) for each in detail["excluded"]),
                self._clock() + max(seconds - left, 1.0),
                seller.issuer,
                str(detail.get("bundle", "")),
                str(body.get("manifest", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return Refused.own(Why.UNREADABLE, "The answer holds no token", url=answer.url)


def _places(detail: Mapping[str, Any], page: str) -> tuple[PathScope, ...]:
    """Where a token opens content, as far as it says so; one for a bundle opens at least the page it was asked for."""
    if "bundle" not in detail:
        return tuple(PathScope(each) for each in detail["locations"])
    path = canonical(urlsplit(page).path or "/")
    return () if isinstance(path, Ambiguous) else (PathScope(path),)
