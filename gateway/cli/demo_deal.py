"""The second half of `licet demo`: two programs bargain, agree on a contract, and a third comes too late.

The buyer is the client's own `Bargain`; every line is a real request, as in
the first half (`cli.tour`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp

    from gateway.terms.license_terms import LicenseTerms

#: What the demo's policy says besides: an archive for training, with a position that stays here.
POLICY = """
[offers.archive]
uses  = ["ai-train"]
works = ["videos"]
price = { upfront = "400", per_fetch = "0.02", revenue_share = "3 %" }
term  = { months = 24 }

[offers.archive.position]
target = "0.8"
floor  = "0.6"
exclusive_premium = "4"
person_for  = []
concessions = ["report = yearly"]

[contract]
law       = "Ireland"
creator   = "The Harbor Journal"
address   = "1 Quay Road, Harbor"
signatory = "Ada Example"
authority = "owner"
"""
_FACTS = {
    "use_case": "training a model that describes harbors",
    "products": "Harbor Guide",
    "model_class": "closed",
    "redistribution": "no",
    "launch_date": "2027-06-01",
    "data_protection": "encrypted at rest; two people have access; removed within a day",
}
_PARTY = {
    "name": "Example AI Labs Ltd",
    "address": "2 Test Way, Exampleton",
    "signatory": "Eve Example",
    "authority": "director",
}
_PAGE = "/videos/harbor.m3u8"


@dataclass
class Line:
    """One line of the tour: what was asked, what came back, and whether it is what the terms say."""

    number: int
    who: str
    request: str
    wanted: int
    status: int = 0
    why: str = ""
    #: What has to hold besides the status.
    holds: bool = True

    @property
    def right(self) -> bool:
        """Whether it is as it should be."""
        return self.status == self.wanted and self.holds

    def __str__(self) -> str:
        """The line as it is printed."""
        mark = "" if self.right else f"   expected {self.wanted}"
        return f" {self.number:>2}  {self.who:<26} {self.request:<22} {self.status:<4} {self.why}{mark}"


@dataclass
class Negotiation:
    """Plays it against the desk at *front*.

    *buyer* and *rival* are client ids and secrets; *say* prints a line;
    *fetched* fetches a page with a token and gives the line and the record's id;
    *terms_of* gives the terms hash of a record. The contract is put into *folder*.
    """

    front: str
    http: aiohttp.ClientSession
    buyer: tuple[str, str]
    rival: tuple[str, str]
    say: Callable[[Line], None]
    fetched: Callable[[str, str], Awaitable[tuple[Line, str]]]
    terms_of: Callable[[str], Awaitable[str]]
    folder: Path
    told: dict[str, Any] = field(default_factory=dict)
    _tag: str = ""

    async def run(self) -> None:
        """Begin at a third of the ask, state the facts, bid, accept, fetch; then somebody wants it all."""
        from gateway.client.bargaining import Bargain, Heard, Mandate, Propose, Wish
        from gateway.terms.comparing import Lever
        from gateway.terms.terms_json import terms_of

        async with self.http.get(f"{self.front}/.licet/offers") as answer:
            offers = (await answer.json(content_type=None))["offers"]
        offer = next(each for each in offers if each["id"] == "archive")
        asked = terms_of(offer["terms"], offer["terms_hash"])
        strategy = Bargain(limit=950_000, rounds=3, wishes=(Wish(Lever.AUDIT, "report", "yearly"),))
        mandate = Mandate(asked.compensation)
        move = strategy.move(mandate, Heard(asked))
        assert isinstance(move, Propose)
        line = await self._post("negotiations", 201, {"offer": "archive", "proposal": _levers(move.terms)})
        missing = [each["fact"] for each in self.told.get("missing", [])]
        line.who, line.holds = "a buyer bids a third", bool(missing)
        line.why = f"asked of {_price(asked)}; first tell {', '.join(missing)}"
        self.say(line)
        said, tables = [move.terms], list[Any]()
        line = await self._post("proposals", 200, {"facts": _FACTS})
        line.who = "… states them"
        while line.right and len(tables) < strategy.rounds:
            table = terms_of(self.told["counter"]["terms"], self.told["counter"]["terms_hash"])
            tables.append(table)
            mine = " (its own bid)" if self.told["counter"]["yours"] else ""
            line.why = f"{'agreed' if mine else f'counter {len(tables)}'}: {_price(table)}{mine}"
            self.say(line)
            move = strategy.move(mandate, Heard(asked, tuple(said), tuple(tables)))
            if not isinstance(move, Propose):
                break
            said.append(move.terms)
            line = await self._post("proposals", 200, {"proposal": _levers(move.terms)})
            line.who = f"… bids {_price(move.terms).partition(' at')[0]}"
        await self._signed()
        await self._rivaled()

    async def _signed(self) -> None:
        accept = self.told.get("accept") or {}
        line = await self._post(
            "acceptance",
            200,
            {"terms_hash": accept.get("terms_hash"), "assent": accept.get("assent"), "party": _PARTY},
        )
        line.who, line.holds = "… accepts, by the hash", self.told.get("state") == "AGREED"
        document, form, octets = await self._contract()
        file = self.folder / f"contract.{form}"
        file.write_bytes(octets)
        unmade = "" if form == "pdf" else " (a PDF needs the extra pdf)"
        line.why = f"{self.told.get('state')}: {file}{unmade} · {str(document.get('terms_hash'))[:20]}…"
        self.say(line)
        await self._post("verification", 200, {"terms_hash": accept.get("terms_hash")})
        details = [{"type": "content_license", "license": self.told.get("license", "")}]
        form_of = {"grant_type": "client_credentials", "authorization_details": json.dumps(details)}
        async with self.http.post(
            f"{self.front}/.licet/token", data=form_of, headers=_login(self.buyer)
        ) as answer:
            token = await answer.json(content_type=None)
        granted = (token.get("authorization_details") or [{}])[0]
        line, record = await self.fetched(_PAGE, token.get("access_token", ""))
        hashes = {document.get("terms_hash"), granted.get("terms"), await self.terms_of(record)}
        line.who, line.holds = "… fetches under it", len(hashes) == 1
        line.why = f"contract, token and record {record} name {'one hash' if line.holds else hashes}"
        self.say(line)

    async def _rivaled(self) -> None:
        self.buyer, self._tag = self.rival, ""
        wanted = {"offer": "archive", "facts": _FACTS, "proposal": {"exclusivity": {"exclusive": True}}}
        line = await self._post("negotiations", 409, wanted)
        line.who = "another wants it alone"
        self.say(line)

    async def _post(self, act: str, wanted: int, body: dict[str, Any]) -> Line:
        at = f"{self.front}/.licet/negotiations"
        url = at if act == "negotiations" else str(self.told.get("links", {}).get(act, at))
        headers = {**_login(self.buyer), **({"If-Match": self._tag} if self._tag else {})}
        shown = "/.licet/negotiations" if url == at else f"…/{act}"
        line = Line(0, "", f"POST {shown}", wanted)
        async with self.http.post(url, json=body, headers=headers) as answer:
            line.status, found = answer.status, await answer.json(content_type=None)
            if line.status < 300:
                self.told, self._tag = found, answer.headers.get("ETag", "")
            else:
                line.why = f"{found.get('code')}: {found.get('detail', '')}"
        return line

    async def _contract(self) -> tuple[dict[str, Any], str, bytes]:
        """The agreement as JSON, and drawn: ``pdf``, or ``html`` where no PDF can be made here."""
        url = str(self.told.get("contract") or self.told.get("links", {}).get("contract", self.front))
        found: list[tuple[int, bytes]] = []
        for media in ("application/json", "application/pdf", "text/html"):
            async with self.http.get(url, headers={**_login(self.buyer), "Accept": media}) as answer:
                found.append((answer.status, await answer.read()))
        plain, pdf, page = found
        document = json.loads(plain[1]) if plain[0] == 200 else {}
        return document, *(("pdf", pdf[1]) if pdf[1].startswith(b"%PDF") else ("html", page[1]))


def _login(client: tuple[str, str]) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(":".join(client).encode()).decode()}


def _levers(terms: LicenseTerms) -> dict[str, Any]:
    told = terms.as_json()
    return {name: told[name] for name in ("compensation", "audit")}


def _price(terms: LicenseTerms) -> str:
    price = terms.compensation
    reports = f", reports {terms.audit.report}"
    return (
        f"{price.upfront} at signing, {price.per_fetch} a fetch, {price.revenue_share_bp / 100:g} %{reports}"
    )
