"""One HTTP request of a crawler: never a redirect that is followed by itself, never a cookie, never past the switch."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from yarl import URL

from gateway.client.logins import AgentKey
from gateway.client.refused import Refused, Why

#: What stops a session: a function that says so, an event that is set, a file that exists.
KillSwitch = Callable[[], bool] | asyncio.Event | Path
_SECONDS = aiohttp.ClientTimeout(total=60, sock_connect=10)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    reason: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first value of header *name* (lower case), or ""."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def every(self, name: str) -> tuple[str, ...]:
        """Every value of header *name* (lower case)."""
        return tuple(value for key, value in self.headers if key.lower() == name)

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; {} where it is none."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def refusal(self) -> Refused:
        """The same as a refusal."""
        return Refused.told(self.status, self.json, self.url, self.reason)


class Caller:
    """Sends requests for one session. Use it in an ``async with``."""

    def __init__(
        self, user_agent: str, *, agent_key: AgentKey | None, switch: KillSwitch | None, largest: int
    ) -> None:
        """Call as *user_agent*, sign by *agent_key* where there is one; *largest* octets are read of a body."""
        self.agent_key = agent_key
        self.headers: dict[str, str] = {"User-Agent": user_agent}
        self._switch, self._largest = switch, largest
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Be ready; connections are opened by the first request."""
        self._http = aiohttp.ClientSession(timeout=_SECONDS, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    @property
    def stopped(self) -> bool:
        """Whether the kill switch was thrown. A function that breaks stops too."""
        switch = self._switch
        if switch is None:
            return False
        if isinstance(switch, Path):
            return switch.exists()
        if isinstance(switch, asyncio.Event):
            return switch.is_set()
        return bool(switch())

    async def page(self, url: str, headers: Mapping[str, str] | None = None) -> Answer | Refused:
        """GET a page, as opposed to what is asked of a desk."""
        return await self.send("GET", url, headers)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer | Refused:
        """Send it, unless the session is stopped. Of what had no answer, ``sent`` in the body says whether it left."""
        assert self._http is not None, "use the session in an async with"
        if self.stopped:
            return Refused.own(Why.STOPPED, url=url)
        try:
            target = URL(url)
            sent = {**self.headers, **(headers or {})}
            if self.agent_key is not None:
                sent = self.agent_key.signed(method, str(target), sent, body)
            async with self._http.request(
                method, target, headers=sent, data=body, allow_redirects=False
            ) as answer:
                octets = await answer.content.read(self._largest + 1)
                while len(octets) <= self._largest and (more := await answer.content.readany()):
                    octets += more
                if len(octets) > self._largest:
                    return _broken(url, f"The answer is longer than {self._largest} octets", sent=True)
                told = tuple(answer.headers.items())
                return Answer(answer.status, answer.reason or "", str(target), told, octets)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            return _broken(url, _why(error), sent=False)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _broken(url, _why(error), sent=True)


def origin_of(url: str) -> str:
    """Scheme, host and port of *url* in one spelling; "" where it has none.

    >>> origin_of("HTTPS://A.example:443/x"), origin_of("nonsense")
    ('https://a.example', '')
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def _broken(url: str, fact: str, *, sent: bool) -> Refused:
    return Refused.own(Why.UNREACHABLE, fact, url=url, body={"sent": sent})


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    known = os.strerror(number) if isinstance(number, int) and number > 0 else ""
    return known or str(error) or "There was no answer in time"
