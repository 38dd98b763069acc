"""A crawler's session that buys licenses by itself, below a ceiling it is given.

Discovery follows the answers: a 401 or 402 names the protected-resource
metadata (RFC 9728, section 5.1), that names the issuer, its metadata (RFC 8414)
the token endpoint; the token is asked for with client credentials (RFC 6749,
section 4.4) and a `resource` (RFC 8707).
"""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from gateway.keys.ems import ContentKey, EmsError
from gateway.money import Money, MoneyError

_METADATA = re.compile(r'resource_metadata="([^"\\]+)"')
_LARGEST = 1 << 20


class PurchaseRefused(Exception):
    """No license was bought; the sentence says why. *body* is the other side's answer, if any."""

    def __init__(self, sentence: str, body: dict[str, Any] | None = None) -> None:
        """Keep the sentence and the answer."""
        super().__init__(sentence)
        self.body = body or {}


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer. *record* is the id under which the gateway remembers a licensed fetch, *price* its ceiling."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    record: str = ""
    price: str = ""
    license: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    license: str
    good_until: float
    server: str = ""


class LicensedSession:
    """Fetches pages; buys a license where one is asked for and *ceiling* allows the price of a fetch.

    Args:
        client_id, client_secret: credentials for one gateway; empty buys nothing.
        ceiling: the most one fetch may cost. None: only what is free is taken.
        user_agent: the crawler's own name; identity matters to the other side.
    """

    def __init__(
        self, client_id: str = "", client_secret: str = "", *, ceiling: Money | None = None, user_agent: str
    ) -> None:
        """Prepare; connections are opened by the first fetch."""
        self._credentials = (client_id, client_secret)
        self._ceiling = ceiling
        self._user_agent = user_agent
        self._tokens: dict[str, _Token] = {}
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        timeout = aiohttp.ClientTimeout(total=60, sock_connect=10)
        self._http = aiohttp.ClientSession(headers={"User-Agent": self._user_agent}, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        if self._http is not None:
            await self._http.close()

    async def fetch(self, url: str) -> Fetched:
        """GET *url*, buying a license if that is what stands between; raise `PurchaseRefused` if it cannot be had."""
        origin = _origin(url)
        token = self._tokens.get(origin)
        if token is not None and token.good_until <= time.monotonic():
            token = None
        first = await self._get(url, token)
        if first.status not in {401, 402}:
            return first
        # A token that lapsed, was revoked or is spent is replaced once; whatever comes then is the answer.
        token = await self._buy(url, origin, first)
        self._tokens[origin] = token
        return await self._get(url, token)

    async def content_key(self, url: str) -> ContentKey:
        """The key of the encrypted file at *url*, of a license that this session bought by fetching there.

        Open the file with `gateway.keys.ems.decrypt`. Raises `PurchaseRefused` where the key cannot be had.
        """
        assert self._http is not None, "use the session in an async with"
        token = self._tokens.get(_origin(url))
        if token is None:
            raise PurchaseRefused("no license was bought there; fetch the file first")
        form = {"token": token.value, "resource": url}
        login = {"Authorization": self._login()}
        async with self._http.post(
            f"{token.server}/key", data=form, headers=login, allow_redirects=False
        ) as answer:
            body = _json(await answer.content.read(_LARGEST))
            key = body.get("key")
            if answer.status != 200 or not isinstance(key, dict):
                said = body.get("error_description") or body.get("error") or answer.reason
                raise PurchaseRefused(f"the desk answered {answer.status}: {said}", body)
        try:
            return ContentKey.read(key)
        except EmsError as error:
            raise PurchaseRefused(str(error)) from None

    def _login(self) -> str:
        # RFC 6749, 2.3.1: both parts are form-encoded before Basic joins them.
        pair = ":".join(quote(part, safe="") for part in self._credentials)
        return "Basic " + base64.b64encode(pair.encode()).decode()

    async def _get(self, url: str, token: _Token | None) -> Fetched:
        assert self._http is not None, "use the session in an async with"
        headers = {"Authorization": f"License {token.value}"} if token else {}
        async with self._http.get(url, headers=headers, allow_redirects=token is None) as answer:
            return Fetched(
                answer.status,
                tuple(answer.headers.items()),
                await answer.read(),
                answer.headers.get("Licet-Record", ""),
                answer.headers.get("Licet-Price", ""),
                token.license if token else "",
            )

    async def _buy(self, url: str, origin: str, refused: Fetched) -> _Token:
        asked = next((value for name, value in refused.headers if name.lower() == "crawler-price"), "")
        if asked:
            self._afford(asked)
        metadata = await self._discover(origin, refused)
        if not self._credentials[0]:
            raise PurchaseRefused(
                f"a license is asked for ({asked or 'free'}), and no client credentials were given"
            )
        assert self._http is not None
        login = {"Authorization": self._login()}
        form = {"grant_type": "client_credentials", "resource": url}
        endpoint = str(metadata.get("token_endpoint", ""))
        if _origin(endpoint) != origin:
            raise PurchaseRefused(
                f"the token endpoint {endpoint!r} is not of {origin}, so credentials stay here"
            )
        async with self._http.post(endpoint, data=form, headers=login, allow_redirects=False) as answer:
            body = _json(await answer.content.read(_LARGEST))
            if answer.status != 200:
                said = (
                    body.get("error_description") or body.get("detail") or body.get("error") or answer.reason
                )
                raise PurchaseRefused(f"the token endpoint answered {answer.status}: {said}", body)
        granted = body.get("authorization_details")
        detail = granted[0] if isinstance(granted, list) and granted and isinstance(granted[0], dict) else {}
        price = detail.get("price")
        if isinstance(price, dict) and isinstance(price.get("micros"), int):
            self._afford(str(Money(price["micros"], str(price.get("currency")))))
        lasts = body.get("expires_in")
        seconds = lasts if isinstance(lasts, int) and lasts > 0 else 60
        value = str(body.get("access_token", ""))
        return _Token(
            value,
            str(detail.get("license", "")),
            time.monotonic() + max(seconds - 5, 1),
            str(metadata["issuer"]),
        )

    def _afford(self, asked: str) -> None:
        try:
            price = Money.read(asked)
        except MoneyError:
            raise PurchaseRefused(f"the price {asked!r} cannot be read") from None
        if price and (
            self._ceiling is None or price.currency != self._ceiling.currency or price > self._ceiling
        ):
            raise PurchaseRefused(f"a fetch costs {price}, the ceiling is {self._ceiling or 'nothing'}")

    async def _discover(self, origin: str, refused: Fetched) -> dict[str, Any]:
        named = [
            found.group(1)
            for name, value in refused.headers
            if name.lower() == "www-authenticate" and (found := _METADATA.search(value))
        ]
        if not named or _origin(named[0]) != origin:
            raise PurchaseRefused(
                "the answer does not say where to buy (no resource_metadata of this origin)"
            )
        issuers = (await self._read(named[0])).get("authorization_servers")
        if not isinstance(issuers, list) or not issuers:
            raise PurchaseRefused(f"{named[0]} names no authorization server")
        issuer = urlsplit(str(issuers[0]))
        metadata = await self._read(
            f"{issuer.scheme}://{issuer.netloc}/.well-known/oauth-authorization-server{issuer.path}"
        )
        if metadata.get("issuer") != str(issuers[0]):
            raise PurchaseRefused(f"the metadata of {issuers[0]} names another issuer")
        return metadata

    async def _read(self, url: str) -> dict[str, Any]:
        assert self._http is not None
        async with self._http.get(url, allow_redirects=False) as answer:
            body = _json(await answer.content.read(_LARGEST))
            if answer.status != 200:
                raise PurchaseRefused(f"{url} answered {answer.status}", body)
            return body


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _json(octets: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(octets)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
