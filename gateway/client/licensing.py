"""What to do with a 401 or 402: discover, buy or bargain, ask again with the token, keep the receipt. No I/O of its own.

Every request goes out through the `Caller` that is given, and whoever waits for
another's purchase waits in a line that is given too. So one and the same logic
serves a session on aiohttp (`client.session`) and the hooks of other clients,
whose programs send the requests themselves (`client.carried`).
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.client.bargaining import Mandate, Strategy, TakeIt
from gateway.client.buying import WAITS, Buying, Token
from gateway.client.caller import Answer, Caller, origin_of
from gateway.client.logins import Login, TokenKey
from gateway.client.negotiating import Stance, Talk
from gateway.client.purse import FREE, Purse, Spending
from gateway.client.refused import Refused, Why, shown
from gateway.client.seller import Published, Seller, discover
from gateway.client.wallet import Lines, Wallet
from gateway.money import Money, MoneyError
from gateway.paths import Ambiguous, canonical
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation, Purpose
from gateway.uses import Uses

_MOST_TRIES = 4
#: Licensed fetches that are remembered, to prove them.
_MOST_KEPT = 10_000
#: What is told of a purchase that may still be had by proposing it: to a client that waits for approval (a small
#: deal), and where a person decides.
_TALKED_ABOUT = frozenset({"client-quarantined", WAITS})


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer.

    *record* is the id under which the gateway remembers a licensed fetch,
    *price* its ceiling, *receipt* where its proof is said to be.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    record: str = ""
    price: str = ""
    license: str = ""
    url: str = ""
    receipt: str = ""


class Licensing:
    """Decides for one run of a crawler. The arguments are those of `LicensedSession`.

    Any number of pages may be under way at once: what one buys all use, and
    together they never exceed the budget. Between two requests nothing waits,
    so a caller with threads has to let one of them in at a time.
    """

    def __init__(
        self,
        caller: Caller,
        spending: Spending = FREE,
        *,
        line: Callable[[], AbstractAsyncContextManager[None]],
        uses: Uses = frozenset(),
        logins: tuple[Login, ...] = (),
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
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Decide what *caller* sends; *line* makes the line in which the buyers of one origin wait."""
        if owing is not None and owing.currency != spending.currency:
            raise ValueError("what may be owed is in the currency of what may be spent")
        self.purse = Purse(spending)
        self.wallet = Wallet(receipts.with_name(f"{receipts.name}.wallet") if receipts else None)
        self.caller = caller
        self.receipts = Lines(receipts)
        self.buying = Buying(
            self.caller, self.purse, self.wallet, logins=logins, name=register_as, contacts=contacts,
            token_key=TokenKey() if bind_tokens else None, clock=clock, tell=tell,
        )  # fmt: skip
        self._uses, self._strategy, self._owing = uses, strategy or TakeIt(), owing
        self._needs = dict(needs or {})
        self._facts, self._party, self._patience = dict(facts or {}), dict(party or {}), patience
        self._clock = clock
        self.kept: deque[dict[str, Any]] = deque(maxlen=_MOST_KEPT)
        self._tokens: dict[str, list[Token]] = {}
        self.sellers: dict[str, Seller] = {}
        self._line, self._lines = line, dict[str, AbstractAsyncContextManager[None]]()

    async def page(self, url: str) -> Fetched | Refused:
        """GET *url*, getting a license if that is what stands between; a redirect is an answer, and not followed."""
        origin, path = origin_of(url), path_of(url)
        if not origin or not path:
            return Refused.own(Why.UNREACHABLE, f"{url!r} is no plain http or https URL", url=url)
        token: Token | None = self.token(origin, path)
        if token is None and self.wallet.held_at(origin) and origin in self.sellers:
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
                got = await self.caller.page(url)
                if isinstance(got, Refused) or got.status not in {401, 402}:
                    return got if isinstance(got, Refused) else self._told(got, None)
                price = shown(got.header("crawler-price")) or "a license"
                self.buying.tell(f"{got.status}: {price} is asked for {path}")
            made = await self._acquired(url, origin, path, got, tried)
            if isinstance(made, Refused):
                return made
            token = made
        return Refused.own(Why.UNREACHABLE, "No license that was bought opened the page", url=url)

    async def seller(self, url: str) -> Seller | Refused:
        """Who sells what stands at *url*, and what is on offer there; nothing is bought."""
        got = await self.caller.page(url)
        if isinstance(got, Refused):
            return got
        return await discover(self.caller, origin_of(url), got)

    async def license(self, url: str) -> Token | Refused | None:
        """A token for *url*, which is not fetched under it; one is bought if none is held. None where none is asked for."""
        origin, path = origin_of(url), path_of(url)
        if not origin or not path:
            return Refused.own(Why.UNREACHABLE, f"{url!r} is no plain http or https URL", url=url)
        held = self.token(origin, path)
        if held is not None:
            return held
        got = await self.caller.page(url)
        if isinstance(got, Refused):
            return got
        if got.status not in {401, 402}:
            return None
        return await self._acquired(url, origin, path, got, None)

    def token(self, origin: str, path: str) -> Token | None:
        """One that opens canonical *path* at *origin* now, if one was had."""
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
            got = await self.caller.page(url, self.buying.page_headers(url, token))
            if isinstance(got, Answer) and got.status == 401 and self.buying.heard_nonce(got):
                got = await self.caller.page(url, self.buying.page_headers(url, token))
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
        async with self._lines.setdefault(origin, self._line()):
            token = self.token(origin, path)
            if token is not None and token != tried:
                return token
            seller = await discover(self.caller, origin, refused)
            if isinstance(seller, Refused):
                return seller
            self.sellers[origin] = seller
            login = await self.buying.login(seller)
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
        async with self._lines.setdefault(origin, self._line()):
            token = self.token(origin, path)
            seller = self.sellers[origin]
            login = await self.buying.login(seller)
            if token is None and not isinstance(login, Refused):
                token = await self._of_held(seller, login, path, url)
                if token is not None:
                    self._tokens.setdefault(origin, []).insert(0, token)
            return token

    async def _of_held(self, seller: Seller, login: Login | None, path: str, url: str) -> Token | None:
        for held in self.wallet.held_at(seller.origin):
            made = await self.buying.token_of(seller, login, held, url)
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
        made = await self.buying.buy(seller, login, chosen, url, self._party)
        if isinstance(made, Refused) and made.code in _TALKED_ABOUT and seller.negotiation_endpoint:
            return await self._negotiated(seller, login, chosen, uses, TakeIt(), url)
        return made

    async def _negotiated(
        self, seller: Seller, login: Login | None, offer: Published, uses: Uses, strategy: Strategy, url: str
    ) -> Token | Refused:
        stance = Stance(strategy, self._mandate(offer, uses), self._facts, self._party, self._patience)
        held = await Talk(self.buying, seller, login, offer, stance).agree()
        if isinstance(held, Refused):
            return held
        self.wallet.licensed(held)
        self.wallet.talked(seller.origin, offer.id)
        return await self.buying.token_of(seller, login, held, url)

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
            self.kept.append(
                {
                    "kind": "fetch",
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "url": got.url,
                    "path": path_of(got.url),
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
            self.receipts.keep(self.kept[-1])
        return fetched


def path_of(url: str) -> str:
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


def _elsewhere(refused: Refused) -> bool:
    """Whether a token was refused only because the license is for other pages (RFC 8707, section 2)."""
    return refused.body.get("error") == "invalid_target"
