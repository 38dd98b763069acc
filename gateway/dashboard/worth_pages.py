"""The pages on what works are worth: for the operator alone, since they show floors and what a creator entered.

==================================  ===========================================
``/memo``                           the value memo; ``.html``, ``.pdf``, ``.json`` to take along
``/calculator``                     the price calculator; the same three
``/figures``                        the creator's own figures; POST adds one
``/figures/remove``                 POST: takes one out
``/dossier?crawler=NAME``           what an operator did; the same three, and ``.txt`` to edit
==================================  ===========================================

Their tables have addresses of their own: see `worth_tables`.

Everything but the two forms that change figures is a GET whose address holds
the whole question. Nothing is sent to anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.figure_shelf import FigureShelf
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import BadQuery, add_table
from gateway.dashboard.valuing import dossier_of, meant, memo_of
from gateway.dashboard.worth_tables import FIGURE_CELLS, Priced, add_tables, addresses
from gateway.dashboard.writing_page import writing_page
from gateway.dashboard.writing_pdf import PDF, available, writing_pdf
from gateway.licenses.contract import NOTICE
from gateway.licenses.days import USUAL, NotDays, read_days
from gateway.licenses.dossier import Dossier
from gateway.licenses.estimating import NAMES, as_json, calculated, policy_lines, read_expected
from gateway.licenses.pricing_guide import LABEL, Guide, suggestions
from gateway.licenses.traffic import TrafficBook
from gateway.licenses.value_memo import About, Comparable, Figure, Figures, Memo
from gateway.licenses.written import Writing, plain_text
from gateway.policy.figures import read_figures, write_figures
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError
from gateway.visitors.catalog import Catalog

_MOST: Final = 100_000
_LONGEST_NAME: Final = 128
#: What a figure is made of, in the order in which it is asked for.
_FIELDS: Final = ("about", "what", "value", "source", "date")


@dataclass(frozen=True, slots=True)
class Worth:
    """What the pages work on. *history* tells a site's versions of terms as (name, second), newest first."""

    book: TrafficBook
    figures: FigureShelf
    policies: Callable[[], tuple[Policy, ...]]
    guide: Callable[[Policy], Guide]
    history: Callable[[str], Awaitable[Sequence[tuple[str, int]]]]
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an address asks for. *given* fills the form again."""

    policy: Policy
    days: tuple[int, int]
    given: Mapping[str, str]
    mistakes: tuple[tuple[str, str], ...] = ()


class WorthPages:
    """Draws the pages."""

    def __init__(self, worth: Worth, frame: Frame, clock: Clock) -> None:
        """Work on *worth*; draw in *frame*."""
        self._worth, self._frame, self._clock = worth, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        for name, page, taken in (
            ("memo", self._memo, self._memo_taken),
            ("calculator", self._calculator, self._calculator_taken),
            ("dossier", self._dossier, self._dossier_taken),
        ):
            router.add_get(f"/{name}", page)
            for ending in ("html", "pdf", "json", *(("txt",) if name == "dossier" else ())):
                router.add_get(f"/{name}.{ending}", taken)
        router.add_get("/figures", self._figures)
        add_table(router, "/figures", FIGURE_CELLS, self._entered)
        asking = {"memo": self._memo_whole, "calculator": self._priced, "dossier": self._dossier_alone}
        add_tables(router, asking)
        router.add_post("/figures", self._add)
        router.add_post("/figures/remove", self._remove)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000

    def _asked(self, given: Mapping[str, str]) -> _Asked:
        policies = self._worth.policies()
        site, period = given.get("site", ""), given.get("period", "").strip() or USUAL
        mistakes: list[tuple[str, str]] = []
        policy = next((each for each in policies if each.site.id == site), None)
        if policy is None:
            policy = policies[0]
            if site:
                mistakes.append(("site", "is none of yours"))
        try:
            days = read_days(period, self._now())
        except NotDays as error:
            days = read_days(USUAL, self._now())
            mistakes.append(("period", f"cannot be read: {error}"))
        return _Asked(policy, days, {**given, "site": policy.site.id, "period": period}, tuple(mistakes))

    def _context(self, asked: _Asked, **more: object) -> dict[str, object]:
        return {
            "given": asked.given,
            "mistakes": asked.mistakes,
            "all_sites": [each.site.id for each in self._worth.policies()],
            "notice": NOTICE,
            "pdf": available(),
            "tables": addresses(asked.given),
            **more,
        }

    async def _memo_made(self, asked: _Asked, *, whole: bool = False) -> Memo:
        return await memo_of(
            self._worth.book,
            self._worth.catalog.crawler,
            site=asked.policy.site.id,
            name=asked.policy.site.name,
            days=asked.days,
            now=self._now(),
            entered=self._worth.figures.read(asked.policy.site.id),
            with_deals=asked.given.get("deals", "yes") != "no",
            whole=whole,
        )

    async def _memo_whole(self, given: Mapping[str, str]) -> Memo:
        """What the tables of the memo are of; raises `BadQuery`."""
        return await self._memo_asked(given, whole=True)

    async def _memo_asked(self, given: Mapping[str, str], *, whole: bool = False) -> Memo:
        asked = self._asked(given)
        if asked.mistakes:
            raise BadQuery(asked.mistakes)
        try:
            return await self._memo_made(asked, whole=whole)
        except ConfigurationError as error:
            raise BadQuery(_of_figures(error)) from error

    async def _memo(self, request: web.Request) -> web.StreamResponse:
        asked = self._asked(request.query)
        writing, wrong = None, list(asked.mistakes)
        if not wrong:
            try:
                writing = (await self._memo_made(asked)).writing()
            except ConfigurationError as error:
                wrong += _of_figures(error)
        context = self._context(replace(asked, mistakes=tuple(wrong)), writing=writing)
        return self._frame.render(request, "memo.html", context, status=400 if wrong else 200)

    async def _memo_taken(self, request: web.Request) -> web.StreamResponse:
        try:
            memo = await self._memo_asked(request.query)
        except BadQuery as error:
            return _wrong(error.mistakes)
        return await _taken(request, "memo", memo.writing(), memo.as_json())

    async def _calculator(self, request: web.Request) -> web.StreamResponse:
        asked, given = self._asked(_without_figures(request.query)), _figures_of(request.query)
        guide = self._worth.guide(asked.policy)
        expected, mistakes = read_expected(given, asked.policy.site.currency)
        mistakes = (*asked.mistakes, *mistakes)
        writing = None
        lines: list[tuple[int, str]] = []
        if expected is not None and not mistakes:
            writing = calculated(guide, expected, site=asked.policy.site.id)
            lines = [
                (each.tier, text)
                for each in suggestions(guide, expected)
                if (text := policy_lines(guide, each))
            ]
        context = self._context(
            replace(asked, given={**asked.given, **given}, mistakes=mistakes),
            writing=writing,
            lines=lines,
            label=LABEL,
            currency=asked.policy.site.currency,
        )
        return self._frame.render(request, "calculator.html", context, status=400 if mistakes else 200)

    async def _calculator_taken(self, request: web.Request) -> web.StreamResponse:
        try:
            guide, expected = await self._priced(request.query)
        except BadQuery as error:
            return _wrong(error.mistakes)
        site = self._asked(request.query).policy.site.id
        return await _taken(
            request, "calculator", calculated(guide, expected, site=site), as_json(guide, expected, site=site)
        )

    async def _priced(self, given: Mapping[str, str]) -> Priced:
        """What the calculator works with; raises `BadQuery`."""
        asked = self._asked(given)
        expected, mistakes = read_expected(_figures_of(given), asked.policy.site.currency)
        if expected is None or asked.mistakes:
            raise BadQuery((*asked.mistakes, *mistakes))
        return self._worth.guide(asked.policy), expected

    async def _dossier_asked(self, given: Mapping[str, str], *, with_memo: bool = True) -> Dossier:
        asked, name = self._asked(given), given.get("crawler", "").strip()
        mistakes = [*asked.mistakes, *_wrong_name(name)]
        if mistakes or not name:
            raise BadQuery(mistakes or [("crawler", "is missing")])
        return await self._dossier_made(asked, name, with_memo=with_memo)

    async def _dossier_alone(self, given: Mapping[str, str]) -> Dossier:
        """What the tables of the dossier are of, which are none of the memo's; raises `BadQuery`."""
        return await self._dossier_asked(given, with_memo=False)

    async def _dossier_made(self, asked: _Asked, name: str, *, with_memo: bool = True) -> Dossier:
        operator, crawlers = meant(self._worth.catalog, name) or ("", (name,))
        memo = None
        # Where the figures cannot be read, the memo's own page says why.
        with contextlib.suppress(ConfigurationError):
            memo = await self._memo_made(asked) if with_memo else None
        return await dossier_of(
            self._worth.book,
            asked.policy,
            await self._worth.history(asked.policy.site.id),
            operator=operator,
            crawlers=crawlers,
            days=asked.days,
            now=self._now(),
            memo=memo,
            most=_MOST,
        )

    async def _dossier(self, request: web.Request) -> web.StreamResponse:
        asked, name = self._asked(request.query), request.query.get("crawler", "").strip()
        mistakes = [*asked.mistakes, *_wrong_name(name)]
        made = None
        if name and not mistakes:
            made = await self._dossier_made(asked, name)
        context = self._context(
            replace(asked, mistakes=tuple(mistakes)),
            writing=made.writing() if made else None,
            letter=made.letter() if made else "",
            known=sorted({each.crawler.operator for each in self._worth.catalog.crawlers}),
        )
        return self._frame.render(request, "dossier.html", context, status=400 if mistakes else 200)

    async def _dossier_taken(self, request: web.Request) -> web.StreamResponse:
        try:
            made = await self._dossier_asked(request.query)
        except BadQuery as error:
            return _wrong(error.mistakes)
        return await _taken(request, "dossier", made.writing(), made.as_json())

    async def _entered(self, request: web.Request) -> list[Figure | Comparable]:
        entered = self._worth.figures.read(self._asked(request.query).policy.site.id)
        return [*entered.figures, *entered.comparables]

    async def _figures(self, request: web.Request) -> web.StreamResponse:
        return self._figures_page(request, self._asked(request.query), {})

    def _figures_page(
        self,
        request: web.Request,
        asked: _Asked,
        typed: Mapping[str, str],
        wrong: Sequence[tuple[str, str]] = (),
    ) -> web.StreamResponse:
        broken: list[tuple[str, str]] = []
        entered = Figures()
        try:
            entered = self._worth.figures.read(asked.policy.site.id)
        except ConfigurationError as error:
            broken = [(each.key, each.expected) for each in error.mistakes]
        context = self._context(
            replace(asked, mistakes=(*asked.mistakes, *wrong)),
            entered=entered,
            broken=broken,
            file=self._worth.figures.file(asked.policy.site.id).name,
            typed=typed,
            About=About,
            entry_name=entry_name,
        )
        status = 400 if wrong or asked.mistakes else 200
        return self._frame.render(request, "figures.html", context, status=status)

    async def _add(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        asked = self._asked({"site": form.get("site", "")})
        if asked.mistakes:
            return self._figures_page(request, asked, form)
        kind = "comparables" if form.get("about") == "comparable" else "figures"
        entry = {name: form.get(name, "") for name in _FIELDS}
        if kind == "comparables":
            entry = {
                "price" if name == "value" else name: text for name, text in entry.items() if name != "about"
            }
        try:
            before = self._worth.figures.read(asked.policy.site.id)
            after = _with(before, kind, entry)
        except ConfigurationError as error:
            said = [(_field(each.key), each.expected) for each in error.mistakes]
            return self._figures_page(request, asked, form, said)
        self._worth.figures.keep(asked.policy.site.id, after)
        raise web.HTTPSeeOther(f"/figures?site={asked.policy.site.id}")

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        asked = self._asked({"site": form.get("site", "")})
        if asked.mistakes:
            return self._figures_page(request, asked, {})
        try:
            before = self._worth.figures.read(asked.policy.site.id)
        except ConfigurationError:
            return self._figures_page(request, asked, {})
        # The whole entry is named, so that a list that changed meanwhile loses nothing else.
        named = form.get("entry", "")
        self._worth.figures.keep(
            asked.policy.site.id,
            Figures(
                tuple(each for each in before.figures if entry_name(each) != named),
                tuple(each for each in before.comparables if entry_name(each) != named),
            ),
        )
        raise web.HTTPSeeOther(f"/figures?site={asked.policy.site.id}")


def entry_name(entry: Figure | Comparable) -> str:
    """What a form calls *entry* by: a hash of all that it says."""
    said = "\n".join(str(getattr(entry, name)) for name in entry.__dataclass_fields__)
    return hashlib.sha256(said.encode()).hexdigest()


def _with(before: Figures, kind: str, entry: Mapping[str, str]) -> Figures:
    """*before* and the new *entry*, read as the file would be; raises `ConfigurationError`."""
    import tomlkit

    rows = tomlkit.aot()
    rows.append(tomlkit.item(dict(entry)))
    new = read_figures(tomlkit.dumps({kind: rows}), "")
    both = Figures((*before.figures, *new.figures), (*before.comparables, *new.comparables))
    return read_figures(write_figures(both), "")


def _field(key: str) -> str:
    last = key.rpartition(".")[2]
    return {"price": "value"}.get(last, last)


def _figures_of(query: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in query.items() if name not in {"site", "period"}}


def _without_figures(query: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in query.items() if name not in NAMES}


def _wrong_name(name: str) -> list[tuple[str, str]]:
    return [("crawler", "is longer than any name")] if len(name) > _LONGEST_NAME else []


def _of_figures(error: ConfigurationError) -> list[tuple[str, str]]:
    return [(each.key or "figures", each.expected) for each in error.mistakes]


def _wrong(mistakes: Sequence[tuple[str, str]]) -> web.Response:
    return web.Response(status=400, text="".join(f"{key} {said}\n" for key, said in mistakes))


async def _taken(request: web.Request, name: str, writing: Writing, value: object) -> web.Response:
    """The document in the form that the address ends in, as a file to keep."""
    ending = request.path.rpartition(".")[2]
    if ending == "pdf":
        if not available():
            return web.Response(status=501, text="A PDF needs typst: pip install 'licet[pdf]'\n")
        body, media = await asyncio.to_thread(writing_pdf, writing), PDF
    elif ending == "html":
        body, media = writing_page(writing).encode(), "text/html; charset=utf-8"
    elif ending == "json":
        body, media = orjson.dumps(value, option=orjson.OPT_INDENT_2), "application/json"
    else:
        body, media = plain_text(writing).encode(), "text/plain; charset=utf-8"
    named = {"Content-Disposition": f'attachment; filename="licet-{name}.{ending}"', "Content-Type": media}
    return web.Response(body=body, headers=named)
