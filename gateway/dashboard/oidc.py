"""Signing in by an account elsewhere: OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636), state and nonce.

What a provider says is believed only as far as it is signed by a key of its own
for this client and this one sign-in (section 3.1.3.7). Its documents are fetched
by the guarded way out (`egress`), at each sign-in anew: it is rare, and a key
that was changed counts at once. Who may come in, and as what, the operator says
(`[oidc] roles`): by subject, or by an e-mail address that the provider has
verified. Nobody else is let in, whatever the provider says.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jwt
import orjson

from gateway.dashboard.permissions import Role
from gateway.egress import Egress, Unfetched

#: For how long a sign-in elsewhere may take.
FLOW_US: Final = 10 * 60 * 1_000_000
_SECONDS: Final = 10.0
_MOST_FLOWS: Final = 256
#: Asymmetric ones alone: with a shared secret anybody who holds it could sign.
_ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA", "ES384", "RS384", "RS512")
_LEEWAY: Final = 60
_DISCOVERY: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """Why it came to nothing: *sentence* for the page, *detail* for the operator's log."""

    sentence: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the provider has vouched for: *key* is issuer and subject, *role* what the operator gives it."""

    key: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in under way: what has to come back, and to where."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect: str
    until_us: int


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as the operator has set it up. *roles* are by subject or verified e-mail address, in lower case."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name: str
    roles: Mapping[str, Role]
    egress: Egress = field(repr=False)

    async def begin(self, redirect: str, now_us: int) -> tuple[str, str, Flow] | NotSignedIn:
        """Where the browser is sent, the state that has to come back, and what is kept of it meanwhile."""
        found = await self._discovered()
        if isinstance(found, NotSignedIn):
            return found
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        at = found["authorization_endpoint"]
        url = f"{at}{'&' if urlsplit(at).query else '?'}{urlencode(asked)}"
        return url, state, Flow(nonce, verifier, redirect, now_us + FLOW_US)

    async def finish(self, flow: Flow, code: str, issuer: str, now_us: int) -> Account | NotSignedIn:
        """Change *code* for what the provider says about whoever has signed in. *issuer* is RFC 9207's, or ""."""
        if issuer and issuer != self.issuer:
            return NotSignedIn("The answer came from another provider.", issuer)
        found = await self._discovered()
        if isinstance(found, NotSignedIn):
            return found
        told = await self._exchanged(found["token_endpoint"], flow, code)
        if isinstance(told, NotSignedIn):
            return told
        keys = await self._json(found["jwks_uri"])
        if isinstance(keys, NotSignedIn):
            return keys
        claims = self.claims(told.get("id_token"), keys, flow.nonce, now_us)
        return claims if isinstance(claims, NotSignedIn) else self._account(claims)

    def claims(self, token: object, keys: Any, nonce: str, now_us: int) -> dict[str, Any] | NotSignedIn:
        """What an ID token says, where it is signed with one of *keys*, for us, now, and for this sign-in."""
        if not isinstance(token, str) or len(token) > 16_384:
            return NotSignedIn("The provider gave no ID token.")
        try:
            key = _key(token, keys)
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=list(_ALGORITHMS), audience=self.client_id, issuer=self.issuer,
                options={
                    "require": ["exp", "iat", "sub", "aud", "iss"], "verify_exp": False, "verify_iat": False,
                    "verify_nbf": False,
                },
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError) as error:
            return NotSignedIn("What the provider says is not signed as it must be.", str(error)[:200])
        return self._fresh(claims, nonce, now_us // 1_000_000)

    def _fresh(self, claims: dict[str, Any], nonce: str, now: int) -> dict[str, Any] | NotSignedIn:
        expires, issued, audience = claims["exp"], claims["iat"], claims["aud"]
        numbers = all(
            isinstance(each, int | float) and not isinstance(each, bool) for each in (expires, issued)
        )
        if not numbers or now >= expires + _LEEWAY or issued > now + _LEEWAY:
            return NotSignedIn("What the provider says is too old.", "the clock may be wrong")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            return NotSignedIn("What the provider says is of another sign-in.")
        several = isinstance(audience, list) and len(audience) > 1
        if claims.get("azp", None if several else self.client_id) != self.client_id:
            return NotSignedIn("What the provider says is for somebody else.")
        return claims

    def _account(self, claims: Mapping[str, Any]) -> Account | NotSignedIn:
        subject, email = claims["sub"], claims.get("email")
        verified = isinstance(email, str) and claims.get("email_verified") is True
        names = [
            subject.lower() if isinstance(subject, str) else "",
            email.lower() if verified and isinstance(email, str) else "",
        ]
        role = next((self.roles[each] for each in names if each and each in self.roles), None)
        if role is None or not names[0]:
            return NotSignedIn(
                "That account may not sign in here; an owner can list it.", names[1] or names[0]
            )
        return Account(f"{self.issuer} {subject}", names[1] or names[0], role)

    async def _discovered(self) -> dict[str, str] | NotSignedIn:
        found = await self._json(self.issuer.rstrip("/") + _DISCOVERY)
        if isinstance(found, NotSignedIn):
            return found
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not isinstance(found, dict) or found.get("issuer") != self.issuer:
            return NotSignedIn("The provider's description is of another issuer.")
        if not all(isinstance(found.get(name), str) for name in names):
            return NotSignedIn("The provider's description lacks an endpoint.")
        # The browser is sent there: no other scheme than that of the provider itself.
        if urlsplit(found["authorization_endpoint"]).scheme != urlsplit(self.issuer).scheme:
            return NotSignedIn("The provider's description names no endpoint to go to.")
        return {name: found[name] for name in names}

    async def _exchanged(self, at: str, flow: Flow, code: str) -> dict[str, Any] | NotSignedIn:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": flow.redirect,
            "code_verifier": flow.verifier, "client_id": self.client_id,
        }  # fmt: skip
        headers = {"Accept": "application/json"}
        if self.secret:
            # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            login = f"{quote(self.client_id, safe='')}:{quote(self.secret, safe='')}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        got = await self.egress.post(
            at, urlencode(form).encode(), media_type="application/x-www-form-urlencoded", headers=headers,
            seconds=_SECONDS,
        )  # fmt: skip
        if isinstance(got, Unfetched):
            return NotSignedIn("The provider cannot be asked.", f"{got.why}: {got.detail}")
        found = _read(got.body)
        if got.status != 200 or not isinstance(found, dict):
            return NotSignedIn("The provider did not take the code.", f"status {got.status}")
        return found

    async def _json(self, url: str) -> Any:
        got = await self.egress.get(url, accept="application/json", seconds=_SECONDS)
        if isinstance(got, Unfetched):
            return NotSignedIn("The provider cannot be asked.", f"{got.why}: {got.detail}")
        found = _read(got.body)
        return NotSignedIn("The provider's answer is not JSON.") if found is None else found


class Flows:
    """The sign-ins under way, by their state: each ends once, and in time."""

    def __init__(self) -> None:
        """Start empty."""
        self._under_way: dict[str, Flow] = {}

    def keep(self, state: str, flow: Flow, now_us: int) -> None:
        """Keep *flow*; the oldest goes where there are too many."""
        self._under_way = {key: each for key, each in self._under_way.items() if now_us < each.until_us}
        while len(self._under_way) >= _MOST_FLOWS:
            del self._under_way[next(iter(self._under_way))]
        self._under_way[state] = flow

    def take(self, state: str, now_us: int) -> Flow | None:
        """The flow of *state*, which is used up by this."""
        flow = self._under_way.pop(state, None)
        return flow if flow is not None and now_us < flow.until_us else None


def _key(token: str, keys: Any) -> Any:
    """The key among *keys* that the token names, or the only one."""
    listed = jwt.PyJWKSet.from_dict(keys).keys
    named = jwt.get_unverified_header(token).get("kid")
    fit = [each for each in listed if each.key_id == named] if named is not None else listed
    if len(fit) != 1:
        raise ValueError(f"{len(fit)} keys of the provider fit")
    return fit[0]


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
