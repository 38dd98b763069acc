"""Who buys, and what they hold: licensees and licenses, with what an operator may do to them.

==================================  ==================================================
``/licensees``                      everybody who registered: standing and credit
``/licensees/ID``                   one: credit, limits, agents, licenses;
                                    ``/licensees/ID/licenses.csv`` and the rest
``/licensees/ID/stand``             POST ``standing=active|suspended``
``/licenses``                       every license, by when it first began, the newest first
``/licenses/ID``                    one: every lever in words, versions, what was spent;
                                    ``/licenses/ID/levers.csv``, ``/versions.csv`` …
``/licenses/ID/suspend|resume``     POST; the first with what its holder is told
``/licenses/ID/revoke``             POST ``sure=yes``: for good
==================================  ==================================================

A running gateway refuses or takes again within a second. What a licensee calls
itself is hostile text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.admission.spending import SpendBook
from gateway.clock import Clock
from gateway.dashboard.exports import amounts
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, Keyed, add_table, listed, moment, read_table
from gateway.licenses.accounts import Accounts
from gateway.licenses.contract import price_parts
from gateway.licenses.license import License, Licensee, Standing
from gateway.licenses.life import Phase, changeable, current, phase
from gateway.licenses.life_events import revoked
from gateway.licenses.lives import Lives
from gateway.licenses.plain_words import NAMES, lever_words
from gateway.licenses.register import LicenseRegister
from gateway.licenses.suspension import OWNER
from gateway.money import Money
from gateway.problems import Problem, Refusal

_LONGEST: Final = 300
#: More licensees than there will ever be.
_EVERY: Final = 2**31
_SAID: Final[Mapping[str, str]] = {
    "suspend": "Suspended. Its tokens are refused within a second, and hold again when you resume it.",
    "resume": "Resumed. Its tokens hold again within a second, unless something else suspends it.",
    "revoke": "Revoked. Its tokens are refused within a second, for good.",
    "active": "It may buy.",
    "suspended": "Suspended: it buys nothing, and its tokens are refused within a second.",
}


@dataclass(frozen=True, slots=True)
class Holders:
    """What these pages read and change. Each raises `StoreUnavailable`."""

    register: LicenseRegister
    lives: Lives
    accounts: Accounts
    spend_book: SpendBook


@dataclass(frozen=True, slots=True)
class Held:
    """One license as it is listed: the version that counts, and where it stands."""

    license: License
    holder: str
    phase: Phase
    price: str


_HOLDER_CELLS: Final[Cells] = {
    "id": lambda row: row[0].id,
    "since": lambda row: moment(row[0].created_at),
    "standing": lambda row: str(row[0].standing),
    "name": lambda row: row[0].name,
    "credit": lambda row: amounts(row[1]),
    "contact": lambda row: row[0].contact,
}
_HELD_CELLS: Final[Cells] = {
    "id": lambda row: row.license.id,
    "from": lambda row: moment(row.license.starts_at),
    "stands": lambda row: str(row.phase),
    "licensee": lambda row: row.license.licensee,
    "name": lambda row: row.holder,
    "works": lambda row: listed(row.license.terms.scope.works),
    "uses": lambda row: listed(row.license.terms.purpose.uses),
    "price": lambda row: row.price,
    "until": lambda row: moment(row.license.ends_at),
}
_LEVER_CELLS: Final[Cells] = {"lever": lambda row: row[0], "agreed": lambda row: row[1]}
_VERSION_CELLS: Final[Cells] = {
    "version": lambda row: row[0].version,
    "stands": lambda row: str(row[1]),
    "from": lambda row: moment(row[0].starts_at),
    "to": lambda row: moment(row[0].ends_at),
    "terms": lambda row: row[0].terms.hash,
}


class HolderPages:
    """The pages about licensees and licenses; *frame* draws them."""

    def __init__(self, holders: Holders, frame: Frame, clock: Clock) -> None:
        """Read and change *holders*."""
        self._register, self._lives = holders.register, holders.lives
        self._accounts, self._spend_book = holders.accounts, holders.spend_book
        self._frame, self._clock = frame, clock
        self._holders = Keyed(self._holders_behind, lambda row: row[0].id)
        self._all_held = Keyed(self._held_behind, lambda row: row.license.id)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/licensees", self._licensees)
        add_table(router, "/licensees", _HOLDER_CELLS, self._holders)
        add_table(router, "/licenses", _HELD_CELLS, self._all_held)
        add_table(router, "/licensees/{id}/licenses", _HELD_CELLS, self._its_licenses)
        add_table(router, "/licenses/{id}/levers", _LEVER_CELLS, self._levers)
        add_table(router, "/licenses/{id}/versions", _VERSION_CELLS, self._versions)
        router.add_get("/licensees/{id}", self._licensee)
        router.add_post("/licensees/{id}/stand", self._stand)
        router.add_get("/licenses", self._licenses)
        router.add_get("/licenses/{id}", self._license)
        for act in ("suspend", "resume", "revoke"):
            router.add_post(f"/licenses/{{id}}/{act}", self._act(act))

    async def _holders_behind(
        self, _request: web.Request, after: str, most: int
    ) -> list[tuple[Licensee, tuple[Money, ...]]] | None:
        behind = await self._register.licensee(after) if after else None
        if after and behind is None:
            return None
        rows = await self._register.newest_licensees(most, behind)
        return [(each, await self._spend_book.balances(each.id)) for each in rows]

    async def _held_behind(self, _request: web.Request, after: str, most: int) -> list[Held] | None:
        versions = await self._lives.versions(after) if after else ()
        if after and not versions:
            return None
        return await self._standing(
            await self._register.newest_licenses(most, versions[0] if versions else None)
        )

    async def _licensees(self, request: web.Request) -> web.StreamResponse:
        view = read_table(request, _HOLDER_CELLS)
        if view.order.name in {"", "credit"}:
            rows, view = await self._holders.page(request, _HOLDER_CELLS)
        else:
            # What everybody has left is many questions, and only the page's own are asked.
            every = [(each, ()) for each in await self._register.newest_licensees(_EVERY)]
            shown, view = view.page(every, _HOLDER_CELLS, lambda row: row[0].id)
            rows = [(each, await self._spend_book.balances(each.id)) for each, _ in shown]
        counts = await self._register.standings()
        context = {
            "rows": rows,
            "all": sum(counts.values()),
            "waiting": counts.get(Standing.QUARANTINED, 0),
            "view": view,
        }
        return self._frame.render(request, "licensees.html", context, status=400 if view.mistakes else 200)

    async def _holder(self, request: web.Request) -> Licensee:
        holder = await self._register.licensee(request.match_info["id"])
        if holder is None:
            raise web.HTTPNotFound
        return holder

    async def _its_licenses(self, request: web.Request) -> list[Held]:
        return await self._of(await self._holder(request))

    async def _licensee(self, request: web.Request) -> web.StreamResponse:
        holder = await self._holder(request)
        context = {
            "holder": holder,
            "credit": await self._spend_book.balances(holder.id),
            "limits": await self._accounts.limits_of(holder.id),
            "agents": await self._accounts.agents_of(holder.id),
            "held": await self._of(holder),
            "said": _SAID.get(request.query.get("done", ""), ""),
            "Standing": Standing,
        }
        return self._frame.render(request, "licensee.html", context)

    async def _stand(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        wanted = form.get("standing", "")
        if wanted not in {Standing.ACTIVE, Standing.SUSPENDED}:
            raise web.HTTPBadRequest
        found = await self._register.set_standing(request.match_info["id"], Standing(wanted), self._now)
        if found is None:
            raise web.HTTPNotFound
        raise web.HTTPSeeOther(f"/licensees/{found.id}?done={wanted}")

    async def _licenses(self, request: web.Request) -> web.StreamResponse:
        rows, view = await self._all_held.page(request, _HELD_CELLS)
        context = {"rows": rows, "all": await self._register.licenses(), "view": view}
        return self._frame.render(request, "licenses.html", context, status=400 if view.mistakes else 200)

    async def _of(self, holder: Licensee) -> list[Held]:
        """The licenses of *holder*, the newest first."""
        versions: dict[str, list[License]] = {}
        for each in await self._register.licenses_of(holder.id):
            versions.setdefault(each.id, []).append(each)
        found = await self._standing(
            [sorted(every, key=lambda one: one.version) for every in versions.values()]
        )
        return sorted(found, key=lambda row: (-row.license.starts_at, row.license.id))

    async def _standing(self, licenses: Sequence[Sequence[License]]) -> list[Held]:
        """Each of *licenses*, all versions of it in order, as it stands now."""
        known = await self._register.revocations()
        over, suspended = set(known.licenses), {license for license, _ in known.suspended}
        names: dict[str, str] = {}
        found = []
        for every in licenses:
            license = current(every, self._now)
            assert license is not None, "there is one at least"
            id = license.id
            if license.licensee not in names:
                holder = await self._register.licensee(license.licensee)
                names[license.licensee] = holder.name if holder else license.licensee
            where = phase(license, every, self._now, revoked=id in over, suspended=id in suspended)
            price = "; ".join(price_parts(license.terms)) or "nothing"
            found.append(Held(license, names[license.licensee], where, price))
        return found

    async def _license(self, request: web.Request, *, trouble: str = "") -> web.StreamResponse:
        id = request.match_info["id"]
        versions, license = await self._found(request)
        holder = await self._register.licensee(license.licensee)
        known = await self._register.revocations()
        stops = [each for each in await self._register.suspensions(id) if each.stands]
        over, suspended = id in known.licenses, bool(stops)
        context = {
            "license": license,
            "holder": holder,
            "phase": phase(license, versions, self._now, revoked=over, suspended=suspended),
            "phases": self._phases(versions, over=over, suspended=suspended),
            "levers": _worded(license),
            "price": "; ".join(price_parts(license.terms)) or "nothing",
            "charged": await self._spend_book.charged(id, license.terms.compensation.currency),
            "stops": stops,
            "mine": any(each.cause == OWNER for each in stops),
            "over": self._over(versions, revoked=over) != "",
            "trouble": trouble,
            "said": _SAID.get(request.query.get("done", ""), ""),
        }
        return self._frame.render(request, "license.html", context, status=409 if trouble else 200)

    async def _found(self, request: web.Request) -> tuple[Sequence[License], License]:
        """Every version of the license that *request* names, and the one that counts."""
        versions = await self._lives.versions(request.match_info["id"])
        license = current(versions, self._now)
        if license is None:
            raise web.HTTPNotFound
        return versions, license

    def _phases(
        self, versions: Sequence[License], *, over: bool, suspended: bool
    ) -> list[tuple[License, Phase]]:
        """Each of *versions* with where it stands, the newest first."""
        return [
            (each, phase(each, versions, self._now, revoked=over, suspended=suspended))
            for each in reversed(versions)
        ]

    async def _levers(self, request: web.Request) -> list[tuple[str, str]]:
        return _worded((await self._found(request))[1])

    async def _versions(self, request: web.Request) -> list[tuple[License, Phase]]:
        versions, license = await self._found(request)
        over = license.id in (await self._register.revocations()).licenses
        stops = await self._register.suspensions(license.id)
        return self._phases(versions, over=over, suspended=any(each.stands for each in stops))

    def _over(self, versions: Sequence[License], *, revoked: bool) -> str:
        """Why nothing can be done to the license any more, or ""."""
        found = changeable(versions, self._now, revoked=revoked)
        return found.detail if isinstance(found, Refusal) and found.problem is Problem.LICENSE_OVER else ""

    def _act(self, act: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            form = await self._frame.form_of(request)
            trouble = await self._done(act, request.match_info["id"], form)
            if trouble:
                return await self._license(request, trouble=trouble)
            raise web.HTTPSeeOther(f"/licenses/{request.match_info['id']}?done={act}")

        return answer

    async def _done(self, act: str, id: str, form: Mapping[str, str]) -> str:
        """Do *act* to a license; returns why it was not done, or ""."""
        versions = await self._lives.versions(id)
        license = current(versions, self._now)
        if license is None:
            raise web.HTTPNotFound
        over = self._over(versions, revoked=id in (await self._register.revocations()).licenses)
        if act == "resume":
            done = await self._register.resume(id, OWNER, self._now)
            return "" if done else "You did not suspend this license; what suspends it stands below."
        if over:
            return over
        if act == "revoke":
            if form.get("sure") != "yes":
                return "Tick the box beside it: a license that is revoked never holds again."
            await self._register.revoke("license", id, self._now, events=[revoked(license, self._now)])
            return ""
        said = form.get("said", "").strip()
        if not said or not said.isprintable() or len(said) > _LONGEST:
            return f"What its holder is told is one line of at most {_LONGEST} characters."
        done = await self._register.suspend(id, OWNER, said, self._now)
        return "" if done else "You suspended this license already."

    @property
    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _worded(license: License) -> list[tuple[str, str]]:
    """Every lever of *license* by its name, and what was agreed on it."""
    words = lever_words(license.terms)
    return [(name, words[lever]) for lever, name in NAMES.items()]
