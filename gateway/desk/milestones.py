"""The milestones of a client's own licenses: where each stands, and its licensee's word on it.

============================== =================================================
GET, POST …/milestones         all of them, with who holds their money
POST …/milestones/statement    it is met: what was agreed to be shown so; the
                               journal holds the hash of the statement
POST …/milestones/objection    the licensee objects, and says why
POST …/milestones/approval     the licensee will not object: it is released
============================== =================================================

Each act names ``license`` and ``milestone``. The same act again changes nothing
and is told as a conflict with where the milestone stands by now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from gateway.billing.agreed_milestones import Waits
from gateway.billing.escrow import Proof, State
from gateway.billing.milestone_book import MilestoneBook
from gateway.desk.bargains import Place
from gateway.desk.call import WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX
from gateway.desk.negotiations import came_in
from gateway.desk.reading import JSON
from gateway.desk.replies import json_reply
from gateway.licenses.contract import NOTICE
from gateway.licenses.register import LicenseRegister
from gateway.money import Money
from gateway.problems import Problem, Refusal

_TEXT: Final = {"type": "string"}
_LONGEST: Final = 500
_GIVEN: Final = {
    JSON: {"type": "object", "required": ["license", "name", "state", "amount", "holder", "held"]}
}


def _asks(*names: str) -> dict[str, Any]:
    every = ("license", "milestone", *names)
    return {
        JSON: {"type": "object", "required": list(every), "properties": dict.fromkeys(every, _TEXT)}
    }  # fmt: skip


_ALL: Final = About(
    "Every milestone of the client's licenses: what waits for it, who holds that, and where it stands.",
    gives={JSON: {"type": "object", "required": ["milestones", "notice"]}},
    login=True,
)
_STATES: Final = About(
    "State that a milestone is met, where it was agreed that the licensee states it.",
    takes=_asks("statement", "by", "role"), gives=_GIVEN, login=True,
)  # fmt: skip
_OBJECTS: Final = About(
    "Object to a milestone; nothing of it moves until that is settled.",
    takes=_asks("why"), gives=_GIVEN, login=True,
)  # fmt: skip
_APPROVES: Final = About(
    "Say that nothing is objected to: what waits is released.", takes=_asks(), gives=_GIVEN, login=True
)
_Act = Callable[[Place, Mapping[str, str]], Awaitable[Waits | Refusal]]


class MilestoneDesk:
    """Answers clients of the licensee, and nobody else."""

    def __init__(self, book: MilestoneBook, register: LicenseRegister) -> None:
        """Act by *book*, on licenses of *register*."""
        self._book, self._register = book, register

    def group(self, clients: Clients) -> Group:
        """Its addresses, for *clients*."""
        self._clients = clients
        at = f"{PREFIX}/milestones"
        about = {"GET": _ALL, "POST": _ALL}
        return {
            at: Route(("GET", "HEAD", *WRITE), self._all, about=about),
            f"{at}/statement": self._route(_STATES, ("statement", "by", "role"), self._state),
            f"{at}/objection": self._route(_OBJECTS, ("why",), self._object),
            f"{at}/approval": self._route(_APPROVES, (), self._approve),
        }

    async def _all(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, body = came
        if body:
            return Refusal(Problem.DOCUMENT_INVALID, "This address is read: it takes nothing but a login.")
        listed = list[dict[str, object]]()
        for id in dict.fromkeys(
            each.id
            for each in await self._register.licenses_of(place.known.licensee.id)
            if each.site == place.policy.site.id
        ):
            listed += [document_of(each) for each in (await self._book.known(id)).milestones]
        return json_reply({"milestones": listed, "notice": NOTICE})

    def _route(self, about: About, members: tuple[str, ...], act: _Act) -> Route:
        wanted = {"license", "milestone", *members}

        async def answer(call: Call) -> web.Response | Refusal:
            came = await came_in(call, self._clients, problem=Problem.DOCUMENT_INVALID)
            if isinstance(came, Refusal):
                return came
            place, body = came
            given = {name: value for name, value in body.items() if isinstance(value, str) and value.strip()}
            if given.keys() != wanted or body.keys() != wanted:
                told = f"It takes {', '.join(sorted(wanted))}, each a text, and nothing else."
                return Refusal(Problem.DOCUMENT_INVALID, told)
            license = await self._register.license(given["license"])
            mine = license and (license.licensee, license.site) == (
                place.known.licensee.id,
                place.policy.site.id,
            )
            if not mine:
                return Refusal(Problem.NOT_FOUND, "This licensee holds no license of that id here.")
            found = await act(place, given)
            return found if isinstance(found, Refusal) else json_reply(document_of(found))

        return Route(WRITE, answer, about={"POST": about})

    async def _state(self, place: Place, given: Mapping[str, str]) -> Waits | Refusal:
        if any(len(given[name]) > _LONGEST for name in ("statement", "by", "role")):
            return Refusal(Problem.DOCUMENT_INVALID, f"Each text has at most {_LONGEST} characters.")
        said = {**given, "client": place.known.client.id, "licensee": place.known.licensee.id}
        return await self._book.meet(
            given["license"], given["milestone"], _by(place), Proof.STATEMENT, said
        )  # fmt: skip

    async def _object(self, place: Place, given: Mapping[str, str]) -> Waits | Refusal:
        return await self._book.dispute(given["license"], given["milestone"], _by(place), given["why"])

    async def _approve(self, place: Place, given: Mapping[str, str]) -> Waits | Refusal:
        return await self._book.waive(given["license"], given["milestone"], _by(place))


def document_of(found: Waits) -> dict[str, object]:
    """One milestone for programs: amounts in whole micro-units, times in seconds; who holds the money in words too."""
    milestone, at = found.milestone, found.standing
    return {
        "license": milestone.license,
        "name": milestone.name,
        "state": str(at.state),
        "amount": _money(milestone.amount),
        "left": _money(at.left),
        "released": _money(at.released),
        "refunded": _money(at.refunded),
        "holder": str(milestone.holder),
        "called": milestone.holder.told,
        "held": milestone.holder.sentence,
        "shown_by": str(milestone.proof),
        "items": milestone.items if milestone.proof is Proof.JOURNAL else None,
        "until": milestone.until,
        "met_at": at.met_at or None,
        "object_until": at.met_at + milestone.objection if at.state is State.MET else None,
        "why": at.why,
    }


def _money(amount: Money) -> dict[str, object]:
    return {"micros": amount.micros, "currency": amount.currency}


def _by(place: Place) -> str:
    return f"licensee {place.known.licensee.id}"
