"""A negotiation at a desk, followed from its state: propose, state facts, accept, verify; again after any break.

Everything is read off what the negotiation tells (the states are those of the
Dataspace Protocol, 2025-1), so a crawler that was killed anywhere goes on from
there. Believed is what can be checked: the transcript has to be a chain of
hashes that goes on from what was seen before, the terms have the hash that is
accepted, and the contract names it too before it is verified.

Facts are told when they are asked for, and no others. What is on the mind of
the buyer (its limit, why it leaves) is told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.canonical import canonical_digest
from gateway.client.bargaining import Heard, Leave, Mandate, Propose, Strategy
from gateway.client.buying import Buying
from gateway.client.caller import Answer
from gateway.client.logins import Login
from gateway.client.refused import Refused, Why, shown
from gateway.client.seller import Published, Seller, due_at_signing
from gateway.client.wallet import Held
from gateway.terms.license_terms import LicenseTerms
from gateway.terms.terms_json import UnreadableTerms, terms_of

#: Requests of one negotiation, after which something is wrong with it.
_LONGEST: Final = 100
#: Seconds that one request waits for a change.
_WAIT: Final = 20


@dataclass(frozen=True, slots=True)
class Stance:
    """With what a buyer goes into a negotiation.

    Attributes:
        strategy: how it bargains.
        mandate: what it must get, and the most it may give.
        facts: what it would state if asked, by the names that the desk asks by.
        party: name, address, signatory and authority of the licensee, for deals that need them.
        patience: seconds for which a person at the creator is waited for.
    """

    strategy: Strategy
    mandate: Mandate
    facts: Mapping[str, str] = field(default_factory=dict)
    party: Mapping[str, str] = field(default_factory=dict)
    patience: float = 0.0


@dataclass(frozen=True, slots=True)
class _Told:
    """A negotiation as it was read, and checked."""

    url: str
    body: Mapping[str, Any]
    version: str
    state: str
    heard: Heard


class Talk:
    """One negotiation about one offer, for one session."""

    def __init__(
        self, buying: Buying, seller: Seller, login: Login | None, offer: Published, stance: Stance
    ) -> None:
        """Talk with *seller* about *offer*."""
        self._buying, self._seller, self._login = buying, seller, login
        self._offer, self._stance = offer, stance
        self._patience = stance.patience
        self._seen: tuple[str, ...] = ()

    async def agree(self) -> Held | Refused:
        """Come to a license, or to why there is none."""
        told = await self._opened()
        for _ in range(_LONGEST):
            if isinstance(told, Refused):
                return told
            match told.state:
                case "FINALIZED":
                    return self._agreed(told)
                case "TERMINATED":
                    self._over()
                    return self._own(Why.NO_AGREEMENT, told.body.get("why"), told)
                case "REQUESTED":
                    told = await self._asked(told)
                case "OFFERED":
                    told = await self._moved(told)
                case "ACCEPTED":
                    told = await self._accepted(told)
                case "AGREED":
                    told = await self._verified(told)
                case _:
                    return self._own(Why.UNREADABLE, "The negotiation is in no state that is known", told)
        return Refused.own(
            Why.NO_AGREEMENT, "Much was said, and no agreement was found", url=self._seller.issuer
        )

    async def _opened(self) -> _Told | Refused:
        wallet, origin = self._buying.wallet, self._seller.origin
        known = wallet.talk(origin, self._offer.id)
        if known:
            told = self._read(await self._buying.read(known, self._login, self._seller))
            if isinstance(told, _Told) and told.state not in {"FINALIZED", "TERMINATED"}:
                return told
            if isinstance(told, Refused) and told.status != 404:
                return told
            if isinstance(told, _Told) and told.state == "FINALIZED":
                held = self._agreed(told)
                if isinstance(held, Held) and held not in wallet.licenses:
                    return told
            self._over()
        asked = self._offer.terms
        move = self._stance.strategy.move(self._stance.mandate, Heard(asked))
        if not isinstance(move, Propose):
            why = move.why if isinstance(move, Leave) else ""
            return Refused.own(Why.NO_AGREEMENT, why, url=self._seller.issuer)
        body = {"offer": self._offer.id, "proposal": _changed(asked, move.terms)}
        self._buying.tell(f"negotiating about the offer {self._offer.id}: we bid {_price(move.terms)}")
        name = f"talk {origin} {self._offer.id} {move.terms.hash}"
        headers = {"Idempotency-Key": wallet.begin(name)}
        answer = await self._buying.post(
            self._seller.negotiation_endpoint, self._login, self._seller, body, headers
        )
        told = self._read(answer)
        if isinstance(told, _Told):
            wallet.talking(origin, self._offer.id, told.url)
        if isinstance(answer, Answer) and answer.status < 500:
            wallet.done(name)
        return told

    async def _asked(self, told: _Told) -> _Told | Refused:
        missing = told.body.get("missing")
        named = (
            [str(each.get("fact")) for each in missing if isinstance(each, dict)]
            if isinstance(missing, list)
            else []
        )
        if named:
            lacking = [name for name in named if not self._stance.facts.get(name)]
            if lacking:
                return self._own(Why.FACT_MISSING, f"Asked for are {', '.join(lacking)}", told)
            facts = {name: self._stance.facts[name] for name in named}
            self._buying.tell(f"asked for facts: {shown(', '.join(named))}")
            return await self._said(told, "proposals", {"facts": facts})
        if told.body.get("waits_for") == "creator" and self._patience > 0:
            self._patience -= _WAIT
            seen = {"If-None-Match": f'"{told.version}"'}
            answer = await self._buying.read(f"{told.url}?wait={_WAIT}", self._login, self._seller, seen)
            return told if isinstance(answer, Answer) and answer.status == 304 else self._read(answer)
        why = told.body.get("person")
        listed = "; ".join(map(str, why)) if isinstance(why, list) else ""
        return self._own(Why.PERSON_DECIDES, listed, told)

    async def _moved(self, told: _Told) -> _Told | Refused:
        move = self._stance.strategy.move(self._stance.mandate, told.heard)
        if isinstance(move, Propose):
            table = told.heard.table
            self._buying.tell(f"a counter: {_price(table) if table else 'none'}; we bid {_price(move.terms)}")
            proposal = _changed(self._offer.terms, move.terms)
            return await self._said(told, "proposals", {"proposal": proposal})
        if isinstance(move, Leave):
            await self._said(told, "termination", {})
            self._over()
            return self._own(Why.NO_AGREEMENT, move.why, told)
        return await self._accepted(told)

    async def _accepted(self, told: _Told) -> _Told | Refused:
        """Accept what is on the table; an acceptance that was heard before is said again, and is the same one."""
        table, accept = told.heard.table, told.body.get("accept")
        version = told.version
        if told.state == "ACCEPTED":
            version = next(
                (str(each["previous"]) for each in told.body["transcript"] if each["act"] == "acceptance"), ""
            )
        words = accept.get("assent") if isinstance(accept, dict) else None
        if table is None or not isinstance(words, str) or table.hash not in words:
            return self._own(Why.UNREADABLE, "What is to be accepted does not name the terms", told)
        if not self._stance.mandate.affords(table) or self._stance.mandate.lacks(table):
            return self._own(Why.NO_AGREEMENT, "What is on the table is outside the mandate", told)
        name = f"accept {told.url} {table.hash}"
        hold = self._buying.hold(name, due_at_signing(table))
        if isinstance(hold, Refused):
            return hold
        self._buying.tell(f"accepting {_price(table)}, terms {table.hash}")
        body: dict[str, Any] = {"terms_hash": table.hash, "assent": words}
        if self._stance.party:
            body["party"] = dict(self._stance.party)
        headers = {"If-Match": f'"{version}"', "Idempotency-Key": self._buying.wallet.begin(name)}
        answer = await self._buying.post(f"{told.url}/acceptance", self._login, self._seller, body, headers)
        if isinstance(answer, Refused):
            return answer
        if answer.status >= 500:
            return answer.refusal
        read = self._read(answer)
        signed = isinstance(read, _Told) and read.state in {"AGREED", "VERIFIED", "FINALIZED"}
        self._buying.ended(name, paid=signed or answer.status == 200)
        return read

    async def _verified(self, told: _Told) -> _Told | Refused:
        """Confirm the agreement, once its document was seen to hold what was accepted."""
        table = told.heard.table
        place = told.body.get("contract")
        if table is None or not isinstance(place, str):
            return self._own(Why.UNREADABLE, "The agreement has no document", told)
        answer = await self._buying.read(place, self._login, self._seller)
        if isinstance(answer, Refused):
            return answer
        if answer.status != 200 or answer.json.get("terms_hash") != table.hash:
            return self._own(Why.UNREADABLE, "The contract is of other terms than were accepted", told)
        return await self._said(told, "verification", {"terms_hash": table.hash})

    async def _said(self, told: _Told, act: str, body: Mapping[str, Any]) -> _Told | Refused:
        headers = {"If-Match": f'"{told.version}"'}
        return self._read(
            await self._buying.post(f"{told.url}/{act}", self._login, self._seller, body, headers)
        )

    def _agreed(self, told: _Told) -> Held | Refused:
        license, table = told.body.get("license"), told.heard.table
        if not isinstance(license, str) or table is None:
            return self._own(Why.UNREADABLE, "The agreement names no license", told)
        return Held(self._seller.origin, license, self._offer.id, table.hash)

    def _over(self) -> None:
        self._buying.wallet.talked(self._seller.origin, self._offer.id)

    def _own(self, why: Why, fact: object, told: _Told) -> Refused:
        return Refused.own(why, fact if isinstance(fact, str) else "", url=told.url, body=told.body)

    def _read(self, answer: Answer | Refused) -> _Told | Refused:
        """What *answer* tells, if it holds together and goes on from what was seen before."""
        if isinstance(answer, Refused):
            return answer
        body = answer.json
        if answer.status >= 400 or "transcript" not in body:
            return answer.refusal
        try:
            hashes = _chain(body["transcript"])
            heard = Heard(
                self._offer.terms,
                tuple(terms_of(bid["terms"], bid["terms_hash"]) for bid in body["bids"]),
                tuple(
                    terms_of(entry["body"]["terms"], entry["body"]["terms_hash"])
                    for entry in body["transcript"]
                    if entry["act"] == "offer"
                ),
            )
            url, version, state = body["links"]["self"], body["version"], str(body["state"])
        except (KeyError, TypeError, ValueError, UnreadableTerms):
            return Refused.own(Why.UNREADABLE, "The negotiation does not hold together", url=answer.url)
        counter = body.get("counter")
        tabled = counter.get("terms_hash") if isinstance(counter, dict) else None
        whole = hashes[-1:] == (version,) and hashes[: len(self._seen)] == self._seen
        if not whole or (state == "OFFERED" and (heard.table is None or heard.table.hash != tabled)):
            return Refused.own(Why.UNREADABLE, "The transcript was changed", url=answer.url)
        self._seen = hashes
        return _Told(str(url), body, version, state, heard)


def _price(terms: LicenseTerms) -> str:
    """The parts of the price that bids are made of, in words."""
    price = terms.compensation
    said = [
        f"{part} {what}"
        for part, what in (
            (price.at_signing, "at signing"),
            *(
                (part, f"once {each.name} is met")
                for each, part in zip(price.milestones, price.shares, strict=False)
            ),
            (price.per_fetch, "a fetch"),
        )
        if part
    ]
    share = [f"{price.revenue_share_bp} basis points of revenue"] if price.revenue_share_bp else []
    return ", ".join((*said, *share)) or "nothing"


def _chain(transcript: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """The hashes of *transcript*, computed; raises `ValueError` where it is no chain."""
    found: list[str] = []
    for nth, entry in enumerate(transcript, 1):
        said = {name: entry[name] for name in ("nth", "at", "by", "act", "body", "previous")}
        if said["nth"] != nth or said["previous"] != (found[-1] if found else ""):
            raise ValueError("no chain")
        found.append(canonical_digest(said))
        if entry["hash"] != found[-1]:
            raise ValueError("another hash")
    return tuple(found)


def _changed(asked: LicenseTerms, wanted: LicenseTerms) -> dict[str, object]:
    """The levers of *wanted* that differ from *asked*, as a proposal spells them."""
    before = asked.as_json()
    return {name: value for name, value in wanted.as_json().items() if before.get(name) != value}
