"""Withdrawals as licensees meet them, below ``/.licet/withdrawals``.

============================ ===================================================
GET …                        what this licensee was told, the latest first
GET …/ID                     one notice; without a login only what a refusal says
POST …/ID/acknowledgment     that it is known
POST …/ID/plan               ``{"plan": "…"}``: how and by when it is removed
POST …/ID/attestation        ``{"attestation": "…"}``: that this was done
GET …/feed                   for everybody, where the policy has it: opaque ids and
                             digests, no reason, no person, no licensee
============================ ===================================================

A licensee is told opaque content ids and the digests of what it was sent itself,
and of nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from gateway.clock import Clock
from gateway.desk.bargains import Place
from gateway.desk.call import WRITE, About, Call, Group, Route, read_at
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.negotiations import came_in
from gateway.desk.reading import JSON
from gateway.desk.replies import json_reply, page
from gateway.desk.withdrawal_page import notice_page
from gateway.languages import tr
from gateway.licenses.removal import LONGEST_TEXT, Removal, acknowledged, attested, planned, told
from gateway.licenses.withdrawal import PROMISE, Withdrawal, content_id
from gateway.licenses.withdrawals import Withdrawals
from gateway.problems import Problem, Refusal

WITHDRAWALS: Final = f"{PREFIX}/withdrawals"
#: Entries of the public feed at most, the latest first.
_MOST: Final = 500
#: Notices of one licensee at most.
_MOST_TOLD: Final = 50
_TEXT: Final = {"type": "string"}
_LIST: Final = {JSON: {"type": "object", "required": ["withdrawals", "promise"]}}
_NOTICE: Final = {
    JSON: {
        "type": "object",
        "required": ["withdrawal", "uses", "since", "promise"],
        "properties": {
            "withdrawal": _TEXT,
            "uses": {"type": "array", "items": _TEXT},
            "since": {"type": "integer"},
        },
    }
}
_ID: Final = ("id", {"type": "string", "pattern": "^wd_[0-9a-f]+$"})


def _says(name: str) -> dict[str, Mapping[str, object]]:
    properties = {name: {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}}
    return {
        JSON: {"type": "object", "required": [name], "properties": properties, "additionalProperties": False}
    }


class WithdrawalDesk:
    """Answers licensees about what was withdrawn, and keeps what they answer."""

    def __init__(self, store: Withdrawals, clock: Clock) -> None:
        """Read and keep in *store*."""
        self._store, self._clock = store, clock

    def group(self, clients: Clients) -> Group:
        """Its addresses, for those whom *clients* recognizes."""
        self._clients = clients
        told_all = About("The withdrawals this licensee was told of.", gives=_LIST, login=True)
        told_one = About("The notice of one withdrawal.", gives=_NOTICE, rest=_ID)
        told_everybody = About("What is withdrawn, for everybody, where the site tells it.", gives=_LIST)
        return {
            WITHDRAWALS: read_at(self._mine, told_all),
            f"{WITHDRAWALS}/feed": read_at(self._feed, told_everybody),
            f"{WITHDRAWALS}/*": read_at(self._one, told_one),
            f"{WITHDRAWALS}/*/acknowledgment": self._at("", "Say that a withdrawal is known."),
            f"{WITHDRAWALS}/*/plan": self._at("plan", "Say how and by when it is removed and mitigated."),
            f"{WITHDRAWALS}/*/attestation": self._at("attestation", "State that the plan was carried out."),
        }

    async def _mine(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        site = place.policy.site.id
        found = [each for each in await self._store.removals_of(place.known.licensee.id) if each.site == site]
        rows = []
        for removal in found[:_MOST_TOLD]:
            withdrawal = await self._store.get(removal.withdrawal)
            if withdrawal is not None:
                rows.append(self._told(withdrawal, removal, place.origin))
        return json_reply({"promise": PROMISE, "withdrawals": rows})

    async def _one(self, call: Call) -> web.Response | Refusal:
        withdrawal = await self._store.get(call.rest)
        if withdrawal is None or withdrawal.hold or withdrawal.site != call.policy.site.id:
            return _MISSING
        if "Authorization" not in call.request.headers:
            if call.wants_page:
                return page(tr("This was withdrawn"), notice_page(withdrawal, call.origin))
            return json_reply(_bare(withdrawal))
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        removal = await self._removal(withdrawal.id, place.known.licensee.id)
        if removal is None:
            return json_reply(_bare(withdrawal))
        return json_reply(self._told(withdrawal, removal, place.origin))

    async def _feed(self, call: Call) -> web.Response | Refusal:
        if not call.policy.redress.public_feed:
            return Refusal(Problem.NOT_FOUND, "This site tells withdrawals to those whom they concern.")
        site = call.policy.site.id
        rows = []
        for each in await self._store.all(_MOST):
            if each.site == site and not each.hold and not each.licensee:
                works = dict(call.policy.withdrawn.owned)
                places = (*each.paths, *(path for work in each.works for path in works.get(work, ())))
                rows.append(
                    {
                        **_bare(each),
                        "contents": sorted({content_id(site, place.pattern) for place in places}),
                        "digests": [f"sha-256:{digest}" for digest in each.digests],
                    }
                )
        return json_reply({"promise": PROMISE, "withdrawals": rows}, max_age=60)

    def _at(self, member: str, summary: str) -> Route:
        async def act(call: Call) -> web.Response | Refusal:
            came = await came_in(call, self._clients)
            if isinstance(came, Refusal):
                return came
            place, body = came
            text = _text_of(body, member)
            if isinstance(text, Refusal):
                return text
            return await self._stepped(place, call.rest, member, text)

        takes = _says(member) if member else {JSON: {"type": "object"}}
        about = About(summary, takes=takes, gives=_NOTICE, login=True, rest=_ID)
        return Route(WRITE, act, about={"POST": about})

    async def _stepped(self, place: Place, id: str, member: str, text: str) -> web.Response | Refusal:
        """Take one step of a removal; of two at once on one state the second is judged on what the first left."""
        client, now = place.known.client.id, self._clock.now_us() // 1_000_000
        while True:
            withdrawal = await self._store.get(id)
            before = await self._removal(id, place.known.licensee.id)
            if before is None or withdrawal is None or before.site != place.policy.site.id:
                return _MISSING
            after: Removal | Refusal
            if member == "plan":
                after = planned(before, text, client, now)
            elif member:
                after = attested(before, text, client, now)
            else:
                after = acknowledged(before, client, now)
            if isinstance(after, Refusal):
                return after
            if after is before or await self._store.change(after, events=[told(after, withdrawal)]):
                return json_reply(self._told(withdrawal, after, place.origin))

    async def _removal(self, withdrawal: str, licensee: str) -> Removal | None:
        found = await self._store.removals(withdrawal)
        return next((each for each in found if each.licensee == licensee), None)

    def _told(self, withdrawal: Withdrawal, removal: Removal, origin: str) -> dict[str, Any]:
        at = f"{issuer_of(origin)}/withdrawals/{withdrawal.id}"
        return {
            **_bare(withdrawal),
            "reason": withdrawal.reason,
            "bundle": withdrawal.bundle,
            "told_at": removal.told_at,
            "state": str(removal.state),
            "overdue": removal.overdue(self._clock.now_us() // 1_000_000),
            "plan_due": removal.plan_due,
            "fetched": removal.fetched,
            "contents": [
                {"content": each.id, "digest": f"sha-256:{each.digest}" if each.digest else ""}
                for each in removal.contents
            ],
            "steps": [{"at": step.at, "act": step.act, "text": step.text} for step in removal.steps],
            "notice": at,
            "acknowledgment": f"{at}/acknowledgment",
            "plan": f"{at}/plan",
            "attestation": f"{at}/attestation",
        }


def _bare(withdrawal: Withdrawal) -> dict[str, Any]:
    """What everybody may know who meets it: no reason, no person, no licensee, no address."""
    return {
        "withdrawal": withdrawal.id,
        "uses": sorted(withdrawal.uses),
        "since": withdrawal.since,
        "readmitted_at": withdrawal.readmitted_at,
        "promise": PROMISE,
    }


def _text_of(body: Mapping[str, object], member: str) -> str | Refusal:
    if set(body) - {member}:
        return _unread(next(iter(set(body) - {member})), "is unknown")
    if not member:
        return ""
    text = body.get(member)
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        return _unread(member, f"is not a text of at most {LONGEST_TEXT} characters")
    if any(not (char.isprintable() or char in "\n\t") for char in text):
        return _unread(member, "holds characters that cannot be printed")
    return text.strip()


def _unread(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the message, {member} {why}.", facts=(("member", member),))


_MISSING: Final = Refusal(Problem.NOT_FOUND, "This licensee was told of no withdrawal of that id here.")
