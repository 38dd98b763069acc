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
from gateway.client.caller import Caller, KillSwitch, origin_of
from gateway.client.licensing import Fetched, Licensing, path_of
from gateway.client.logins import AgentKey, Login
from gateway.client.proving import MOST, proofs
from gateway.client.purse import FREE, Spending
from gateway.client.refused import Refused, Why
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

<<<<<<< HEAD
    async def _page(self, url: str) -> Fetched | Refused:
        origin, path = origin_of(url), _path(url)
        if not origin or not path:
            return Refused.own(Why.UNREACHABLE, f"{url!r} is no plain http or https URL", url=url)
        token: Token | None = self._token(origin, path)
        if token is None and self.wallet.held_at(origin) and origin in self._sellers:
            token = await self._renewed(origin, path, url)
        tried: Token | None = None
        for _ in range(_MOST_TRIES):
            if token is not None:
                got = await self._licensed(url, token)
                if isinstance(got, Refused) or got.status not in {401, 402}:
                    return got if isinstance(got, Refused) else self._told(got, token)
                self._drop(origin, token, used_up=got.status == 402)
                tried = token
            else:
                got = await self.caller.send("GET", url)
                if isinstance(got, Refused) or got.status not in {401, 402}:
                    return got if isinstance(got, Refused) else self._told(got, None)
                price = shown(got.header("crawler-price")) or "a license"
                self._buying.tell(f"{got.status}: {price} is asked for {path}")
            made = await self._acquired(url, origin, path, got, tried)
            if isinstance(made, Refused):
                return made
            token = made
        return Refused.own(Why.UNREACHABLE, "No license that was bought opened the page", url=url)

    def _token(self, origin: str, path: str) -> Token | None:
        now = self._clock()
        return next(
            (each for each in self._tokens.get(origin, ()) if each.good_until > now and each.covers(path)),
            None,
        )

    def _drop(self, origin: str, token: Token, *, used_up: bool = False) -> None:
        held = self._tokens.get(origin, [])
        if token in held:
            held.remove(token)
            if used_up:
                self.wallet.used_up(token.license)

    async def _licensed(self, url: str, token: Token) -> Answer | Refused:
        """One fetch with *token*; its price is held meanwhile."""
        hold = self.purse.hold_fetch(token.price)
        if isinstance(hold, Refused):
            return replace(hold, url=url)
        try:
            got = await self.caller.send("GET", url, self._buying.page_headers(url, token))
            if isinstance(got, Answer) and got.status == 401 and self._buying.heard_nonce(got):
                got = await self.caller.send("GET", url, self._buying.page_headers(url, token))
        except BaseException:
            self.purse.settle(hold)
            raise
        if isinstance(got, Refused):
            (self.purse.settle if got.body.get("sent") else self.purse.release)(hold)
        elif 200 <= got.status < 300 and got.header("licet-record"):
            self.purse.settle(hold, _money(got.header("licet-price")))
        else:
            self.purse.release(hold)
        return got

    async def _acquired(
        self, url: str, origin: str, path: str, refused: Answer, tried: Token | None
    ) -> Token | Refused:
        """A token for *path* other than *tried*; whoever asks meanwhile waits and has the same one."""
        async with self._lines.setdefault(origin, asyncio.Lock()):
            token = self._token(origin, path)
            if token is not None and token != tried:
                return token
            seller = await discover(self.caller, origin, refused)
            if isinstance(seller, Refused):
                return seller
            self._sellers[origin] = seller
            login = await self._buying.login(seller)
            if isinstance(login, Refused):
                return login
            made = await self._of_held(seller, login, path, url) or await self._new(seller, login, path, url)
            if isinstance(made, Token):
                if not made.covers(path):
                    return Refused.own(Why.NOTHING_FITS, f"The license does not cover {path}", url=url)
                self._tokens.setdefault(origin, []).insert(0, made)
            return made

    async def _renewed(self, origin: str, path: str, url: str) -> Token | None:
        """Another token of a license that is held, where the one before it lapsed."""
        async with self._lines.setdefault(origin, asyncio.Lock()):
            token = self._token(origin, path)
            seller = self._sellers[origin]
            login = await self._buying.login(seller)
            if token is None and not isinstance(login, Refused):
                token = await self._of_held(seller, login, path, url)
                if token is not None:
                    self._tokens.setdefault(origin, []).insert(0, token)
            return token

    async def _of_held(self, seller: Seller, login: Login | None, path: str, url: str) -> Token | None:
        for held in self.wallet.held_at(seller.origin):
            made = await self._buying.token_of(seller, login, held, url)
            if isinstance(made, Token) and made.covers(path):
                return made
            # A license that does not reach this page is still good for others.
            if (
                isinstance(made, Refused)
                and 400 <= made.status < 500
                and made.status != 429
                and not _elsewhere(made)
            ):
                self.wallet.used_up(held.license)
        return None

    async def _new(self, seller: Seller, login: Login | None, path: str, url: str) -> Token | Refused:
        uses = self._uses or seller.uses
        fitting = [offer for offer in seller.offers if offer.fits(path, uses)]
        if not fitting:
            wanted = ", ".join(sorted(uses)) or "any use"
            return Refused.own(Why.NOTHING_FITS, f"For {wanted} of {path} nothing is on offer", url=url)
        fitting.sort(key=lambda offer: (offer.due.micros, offer.terms.compensation.fetch_price.micros))
        if not isinstance(self._strategy, TakeIt) and seller.negotiation_endpoint:
            return await self._negotiated(seller, login, fitting[0], uses, self._strategy, url)
        chosen = next((offer for offer in fitting if not self._unfit(offer, uses)), None)
        if chosen is None:
            return self._unfit(fitting[0], uses) or Refused.own(Why.NOTHING_FITS, url=url)
        made = await self._buying.buy(seller, login, chosen, url)
        if isinstance(made, Refused) and made.code == _QUARANTINED and seller.negotiation_endpoint:
            return await self._negotiated(seller, login, chosen, uses, TakeIt(), url)
        return made

    async def _negotiated(
        self, seller: Seller, login: Login | None, offer: Published, uses: Uses, strategy: Strategy, url: str
    ) -> Token | Refused:
        stance = Stance(strategy, self._mandate(offer, uses), self._facts, self._party, self._patience)
        held = await Talk(self._buying, seller, login, offer, stance).agree()
        if isinstance(held, Refused):
            return held
        self.wallet.licensed(held)
        self.wallet.talked(seller.origin, offer.id)
        return await self._buying.token_of(seller, login, held, url)

    def _mandate(self, offer: Published, uses: Uses) -> Mandate:
        asked, spending = offer.terms, self.purse.spending
        currency = spending.currency or asked.compensation.currency
        owing = self._owing or Compensation(currency)
        most = replace(owing, upfront=Money(self.purse.left, currency), per_fetch=spending.per_fetch)
        needs = {Lever.SCOPE: asked.scope, **self._needs}
        if uses:
            needs[Lever.PURPOSE] = needs.get(Lever.PURPOSE) or Purpose(uses)
        return Mandate(most, needs)

    def _unfit(self, offer: Published, uses: Uses) -> Refused | None:
        """Why *offer* may not be bought as it is published, or None."""
        mandate, price, spending = self._mandate(offer, uses), offer.terms.compensation, self.purse.spending
        lacking = mandate.lacks(offer.terms)
        if lacking:
            return Refused.own(
                Why.NOTHING_FITS, f"The offer {offer.id} is too narrow on {', '.join(lacking)}"
            )
        if mandate.affords(offer.terms):
            return None
        ceiling = spending.per_fetch
        if price.fetch_price and (ceiling is None or _over(price.fetch_price, ceiling)):
            return Refused.own(
                Why.OVER_CEILING, f"A fetch costs {price.fetch_price}, the ceiling is {ceiling or 'nothing'}"
            )
        left = (
            f"{Money(self.purse.left, spending.currency)} is left" if spending.currency else "nothing is left"
        )
        return Refused.own(
            Why.OVER_BUDGET,
            f"The offer {offer.id} asks for {offer.due} at signing, and perhaps for more later; {left}",
        )

    def _told(self, got: Answer, token: Token | None) -> Fetched | Refused:
        if got.status >= 400 and "problem+json" in got.header("content-type") and "code" in got.json:
            return got.refusal
        fetched = Fetched(
            got.status, got.headers, got.body, got.header("licet-record"), got.header("licet-price"),
            token.license if token else "", got.url, got.header("licet-receipt"),
        )  # fmt: skip
        if token is not None and fetched.record:
            self._kept.append(
                {
                    "kind": "fetch",
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "url": got.url,
                    "path": _path(got.url),
                    "status": got.status,
                    "bytes": len(got.body),
                    "sha256": hashlib.sha256(got.body).hexdigest(),
                    "record": fetched.record,
                    "receipt": fetched.receipt,
                    "at_most": fetched.price,
                    "license": token.license,
                    "terms": token.terms,
                }
            )
            self._receipts.keep(self._kept[-1])
        return fetched

=======
>>>>>>> clients

def _moved_to(got: Fetched) -> str:
    """The absolute address that a redirect names, "" where it is none."""
    if got.status not in {301, 302, 303, 307, 308}:
        return ""
    place = next((value for name, value in got.headers if name.lower() == "location"), "")
    try:
        return urljoin(got.url, place).partition("#")[0] if place else ""
    except ValueError:
        return ""
<<<<<<< HEAD


def _elsewhere(refused: Refused) -> bool:
    """Whether a token was refused only because the license is for other pages (RFC 8707, section 2)."""
    return refused.body.get("error") == "invalid_target"


def _path(url: str) -> str:
    """The canonical path of *url*, "" where it has none."""
    try:
        found = canonical(urlsplit(url).path or "/")
    except ValueError:
        return ""
    return "" if isinstance(found, Ambiguous) else found


def _over(price: Money, ceiling: Money) -> bool:
    return price.currency != ceiling.currency or price > ceiling


def _money(text: str) -> Money | None:
    try:
        return Money.read(text)
    except MoneyError:
        return None
=======
>>>>>>> clients
