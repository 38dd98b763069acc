"""A crawler's session: fetches pages, and buys or negotiates what stands between, inside limits it is given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

from gateway.client.bargaining import Strategy
from gateway.client.buying import Token
from gateway.client.caller import Caller, KillSwitch, origin_of
from gateway.client.licensing import Fetched, Licensing, path_of
from gateway.client.logins import AgentKey, Login
from gateway.client.proving import MOST, proofs
from gateway.client.purse import FREE, Spending
from gateway.client.refused import Refused, Why
from gateway.client.seller import Seller
from gateway.keys.ems import ContentKey, EmsError
from gateway.money import Money
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation
from gateway.uses import Uses

_MOST_REDIRECTS = 10


class LicensedSession:
    """Fetches pages; where a license is asked for, gets one if the limits allow. Use it in an ``async with``.

    Args:
        user_agent: the crawler's own name; identity matters to the other side.
        spending: the ceiling of a fetch and the budget of the run; only what is free is taken by default.
        uses: what the crawler does with pages; empty for whatever the other side takes it to do.
        logins: credentials, each for one origin.
        agent_key: the Web Bot Auth key that signs every request, and logs in where desks know that.
        register_as: the name to register under (RFC 7591) where there are no credentials; "" registers nowhere.
        contacts: what is registered with it.
        bind_tokens: whether tokens are bound to a key of this session (DPoP).
        strategy: `TakeIt` buys what is published; `Bargain` negotiates.
        owing: the most of those parts of a price that are owed besides fees and fetches, such as a revenue share.
        needs: the least of a lever, by lever, besides the page and the uses.
        facts, party, patience: see `negotiating.Stance`.
        receipts: a file of JSON lines, one for each licensed fetch; the wallet stands beside it.
        switch: stops the session before its next request.
        largest: octets that are read of a body at most.
        tell: hears each step as a sentence.

    Any number of fetches may run at once: what one buys all use, and together
    they never exceed the budget.
    """

    def __init__(
        self,
        user_agent: str,
        spending: Spending = FREE,
        *,
        uses: Uses = frozenset(),
        logins: tuple[Login, ...] = (),
        agent_key: AgentKey | None = None,
        register_as: str = "",
        contacts: tuple[str, ...] = (),
        bind_tokens: bool = False,
        strategy: Strategy | None = None,
        owing: Compensation | None = None,
        needs: Mapping[Lever, Any] | None = None,
        facts: Mapping[str, str] | None = None,
        party: Mapping[str, str] | None = None,
        patience: float = 0.0,
        receipts: Path | None = None,
        switch: KillSwitch | None = None,
        largest: int = 1 << 28,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; connections are opened by the first fetch."""
        self._licensing = Licensing(
            Caller(user_agent, agent_key=agent_key, switch=switch, largest=largest),
            spending,
            line=asyncio.Lock,
            uses=uses,
            logins=logins,
            register_as=register_as,
            contacts=contacts,
            bind_tokens=bind_tokens,
            strategy=strategy,
            owing=owing,
            needs=needs,
            facts=facts,
            party=party,
            patience=patience,
            receipts=receipts,
            clock=clock,
            tell=tell,
        )
        self.purse, self.wallet, self.caller = (
            self._licensing.purse, self._licensing.wallet, self._licensing.caller,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        """Open the session."""
        await self.caller.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        await self.caller.close()

    @property
    def spent(self) -> Money | None:
        """What this run spent so far; None where it may spend nothing."""
        return self.purse.spent

    async def fetch(self, url: str) -> Fetched | Refused:
        """GET *url*, getting a license if that is what stands between; a "no" of either side is a `Refused`.

        Redirects are followed, each as a page of its own: a token is shown to
        its origin alone.
        """
        for _ in range(_MOST_REDIRECTS):
            got = await self._licensing.page(url)
            moved = _moved_to(got) if isinstance(got, Fetched) else ""
            if not moved:
                return got
            url = moved
        return Refused.own(Why.TOO_MANY_REDIRECTS, url=url)

    async def seller(self, url: str) -> Seller | Refused:
        """Who sells what stands at *url*, with every offer that is published there; nothing is bought."""
        return await self._licensing.seller(url)

    async def license(self, url: str) -> Token | Refused | None:
        """Get a license for *url* without fetching it; None where none is asked for. A later `fetch` uses it."""
        return await self._licensing.license(url)

    async def content_key(self, url: str) -> ContentKey | Refused:
        """The key of the encrypted file at *url*, of a license that this session got by fetching there.

        Open the file with `gateway.keys.ems.decrypt`.
        """
        origin, path = origin_of(url), path_of(url)
        token = self._licensing.token(origin, path)
        seller = self._licensing.sellers.get(origin)
        if token is None or seller is None:
            return Refused.own(
                Why.NO_CREDENTIALS, "No license was bought there; fetch the file first", url=url
            )
        login = await self._licensing.buying.login(seller)
        if isinstance(login, Refused):
            return login
        answer = await self._licensing.buying.content_key(seller, login, token, url)
        if isinstance(answer, Refused):
            return answer
        key = answer.json.get("key")
        if answer.status != 200 or not isinstance(key, dict):
            return answer.refusal
        try:
            return ContentKey.read(key)
        except EmsError as error:
            return Refused.own(Why.UNREADABLE, str(error), url=url)

    async def prove(self, origin: str, *, log: str = "") -> list[dict[str, Any]] | Refused:
        """The receipts of what this session last fetched under a license at *origin*, each one checked.

        A record can be proven about a second after the fetch; until then the
        refusal is the desk's `not-found`. *log* is the key of the gateway's
        public log, where it is known from elsewhere. See `client.proving`.
        """
        seller = self._licensing.sellers.get(origin)
        kept = {each["record"]: each for each in self._licensing.kept if origin_of(each["url"]) == origin}
        if seller is None or not kept:
            return Refused.own(Why.NOTHING_FITS, f"Nothing was fetched under a license at {origin}")
        login = await self._licensing.buying.login(seller)
        if isinstance(login, Refused):
            return login
        records, found = list(kept), list[dict[str, Any]]()
        for first in range(0, len(records), MOST):
            some = {record: kept[record] for record in records[first : first + MOST]}
            document = await proofs(self._licensing.buying, seller, login, some, log)
            if isinstance(document, Refused):
                return document
            self._licensing.receipts.keep({"kind": "proof", **document})
            found.append(document)
        return found


def _moved_to(got: Fetched) -> str:
    """The absolute address that a redirect names, "" where it is none."""
    if got.status not in {301, 302, 303, 307, 308}:
        return ""
    place = next((value for name, value in got.headers if name.lower() == "location"), "")
    try:
        return urljoin(got.url, place).partition("#")[0] if place else ""
    except ValueError:
        return ""
