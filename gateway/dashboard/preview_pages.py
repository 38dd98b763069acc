"""What a crawler meets: one page, one crawler, every format, for the policy in force and for a changed one.

=====================  ========================================================
``/preview``           ``site``, ``path``, ``as``, ``country``: what is answered
                       and told, with every document whole
``/preview.json``      the same for machines, as ``licet terms show --json --all``
``/preview`` (POST)    ``text`` besides: the same for that text, and how it differs
=====================  ========================================================

Nothing is fetched and nothing is changed; a text that is tried stands nowhere.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import may
from gateway.dashboard.permissions import Permission
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.rules_then import line_page
from gateway.dashboard.table_forms import Cells, add_table, listed
from gateway.languages import standing_alone
from gateway.policy.rule_words import numbered
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError
from gateway.visitors.catalog import Catalog

#: (policy, name, target, country, at_us): what is told, with ``lines`` for people, or what is wrong with the question.
Previewer = Callable[[Policy, str, str, str, int], Mapping[str, Any] | str]
_LONGEST: Final = 2048


@dataclass(frozen=True, slots=True)
class Preview:
    """What the page works on."""

    files: PolicyFiles
    previewer: Previewer


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as it was typed."""

    site: str = ""
    name: str = "GPTBot"
    path: str = "/"
    country: str = ""

    def query(self) -> str:
        """The same as a query."""
        return urlencode({"site": self.site, "as": self.name, "path": self.path, "country": self.country})

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        """The question of a query or a form; cut where it is longer than any address."""
        told = {
            name: given.get(key, "")[:_LONGEST].strip()
            for name, key in (("site", "site"), ("path", "path"), ("country", "country"))
        }
        return cls(
            told["site"], given.get("as", "GPTBot")[:_LONGEST].strip(), told["path"] or "/", told["country"]
        )


_OFFER_CELLS: Final[Cells] = {
    "offer": itemgetter("offer"),
    "uses": lambda row: listed(row["uses"]),
    "price": lambda row: " + ".join(row["price"]),
    "by_age": lambda row: "; ".join(
        f"{step['per_fetch']['amount']} {step['per_fetch']['currency']} from {step['from_days']} days on"
        for step in row["by_age"]
    ),
    "terms": itemgetter("terms"),
}


class PreviewPages:
    """Shows what a crawler meets; *frame* draws it."""

    def __init__(self, preview: Preview, frame: Frame, clock: Clock) -> None:
        """Ask *preview*."""
        self._preview, self._frame, self._clock = preview, frame, clock
        self._names = sorted(entry.name for entry in Catalog.shipped().crawlers)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/preview", self._page)
        router.add_get("/preview.json", self._json)
        router.add_post("/preview", self._edited)
        add_table(router, "/preview/offers", _OFFER_CELLS, self._offers)

    def _asked(self, request: web.Request) -> tuple[Asked, Policy | None]:
        """What the query asks, and of which site; without a path about the first one that is for sale."""
        asked = Asked.read(request.query)
        policy = self._policy(asked)
        if policy is not None and "path" not in request.query:
            asked = replace(asked, path=_first_for_sale(policy))
        return asked, policy

    async def _page(self, request: web.Request) -> web.StreamResponse:
        asked, policy = self._asked(request)
        told, trouble = self._told(policy, asked) if policy else (None, "There is no such site.")
        return self._shown(request, asked, policy, told, trouble)

    async def _offers(self, request: web.Request) -> Sequence[Mapping[str, Any]]:
        asked, policy = self._asked(request)
        told, _ = self._told(policy, asked) if policy else (None, "")
        if told is None:
            raise web.HTTPNotFound
        return told["offers"] or ()

    async def _json(self, request: web.Request) -> web.StreamResponse:
        asked, policy = self._asked(request)
        told, trouble = self._told(policy, asked) if policy else (None, "There is no such site.")
        if told is None:
            return web.json_response({"error": trouble}, status=400)
        return web.json_response({key: value for key, value in told.items() if key != "lines"})

    async def _edited(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        asked, text = Asked.read(form), form.get("text", "").replace("\r\n", "\n")
        policy = self._policy(asked)
        if policy is None:
            raise web.HTTPNotFound
        now, trouble = self._told(policy, asked)
        tried = self._preview.files.tried(policy, text)
        if tried.policy is None or now is None:
            more: dict[str, object] = {"text": text, "mistakes": tried.mistakes}
            return self._shown(request, asked, policy, now, trouble, status=400, more=more)
        then, trouble = self._told(tried.policy, asked)
        difference = _difference(now["lines"], then["lines"]) if then else ()
        more = {"text": text, "edited": True, "difference": difference}
        return self._shown(request, asked, policy, then, trouble, more=more)

    def _policy(self, asked: Asked) -> Policy | None:
        """The site that was asked for, the first one where none was named."""
        files = self._preview.files
        return files.of_site(asked.site) if asked.site else next(iter(files.policies), None)

    def _told(self, policy: Policy, asked: Asked) -> tuple[Mapping[str, Any] | None, str]:
        path = asked.path if asked.path.startswith("/") else f"/{asked.path}"
        told = self._preview.previewer(policy, asked.name, path, asked.country, self._clock.now_us())
        return (None, told) if isinstance(told, str) else (told, "")

    def _shown(
        self, request: web.Request, asked: Asked, policy: Policy | None, told: Mapping[str, Any] | None,
        trouble: str, *, status: int = 200, more: Mapping[str, object] | None = None,
    ) -> web.StreamResponse:  # fmt: skip
        text = ""
        # The file holds the floors.
        if policy is not None and may(request, Permission.FLOOR_SEE):
            try:
                text = self._preview.files.text(policy)
            except ConfigurationError as error:
                trouble = trouble or str(error)
        context: dict[str, object] = {
            "asked": asked, "policy": policy, "told": told, "trouble": trouble,
            # The text holds floors.
            "text": text if may(request, Permission.FLOOR_SEE) else "", "mistakes": (),
            "edited": False, "difference": (), "names": self._names,
            "every": self._preview.files.policies,
            "documents": _documents(told) if told else (),
            "named": standing_alone(numbered(told["ruling"]["rule"]))[:-1] if told else "",
            "line": line_page(policy.site.id, told["ruling"]["rule"]) if policy and told else "",
            "body": _pretty((told.get("refusal") or {}).get("body")) if told else "",
        }  # fmt: skip
        status = 400 if trouble and status == 200 else status
        return self._frame.render(request, "preview.html", {**context, **(more or {})}, status=status)


def _first_for_sale(policy: Policy) -> str:
    """Where something is sold: of a page that belongs to no work there is little to see."""
    paths = (scope.pattern for work in policy.works if work.for_sale for scope in work.paths)
    return next((path for path in paths if path.startswith("/")), "/")


def _documents(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(name, text) of every document that there is."""
    every = told.get("documents") or {}
    return tuple((name, _pretty(document)) for name, document in every.items() if document is not None)


def _pretty(document: object) -> str:
    if document is None:
        return ""
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=2)


def _difference(before: list[str], after: list[str]) -> tuple[tuple[str, str], ...]:
    """(how, line) of what differs: "add", "del", "at" for a place, "" for what stays."""
    kinds = {"+": "add", "-": "del", "@": "at"}
    lines = difflib.unified_diff(before, after, lineterm="", n=1)
    return tuple((kinds.get(line[:1], ""), line) for line in list(lines)[2:])
