"""The addresses of the license terms: those in force, every version, their differences.

=================================== =====================================
``/.licet/terms/``                  the version in force
``/.licet/terms/versions``          what came into force, newest first
``/.licet/terms/NAME``              one version, for good
``/.licet/terms/NAME/changes``      against the one before, or ``?against=``
=================================== =====================================

NAME is the SHA-256 of the version's canonical JSON, which is what a program
gets to the octet; a browser gets a page. What has a name never changes and may
be kept for a year (``immutable``, RFC 8246); the relation types are those of
RFC 5829.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import orjson
from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.license_page import changes_page, license_page, moment, title_of, versions_page
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.replies import VARY, json_reply, octets_reply, page
from gateway.desk.versions import TermsInForce
from gateway.languages import tr
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.terms_version import TermsVersion, changes

#: How many entries of a site's history are listed, newest first.
MOST_LISTED: Final = 1000
_SHORT: Final = 60
_YEAR: Final = 31_536_000
_FOREVER: Final = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
_NAME: Final = re.compile(r"(?:sha-256:)?([0-9a-f]{64})")
_GIVES: Final = {"application/json": {"type": "object"}, "text/html": {"type": "string"}}
_CURRENT: Final = About(
    "The license terms in force: canonical JSON for programs, a page for people.", gives=_GIVES
)
_LISTED: Final = About("Every version of the terms that came into force, newest first.", gives=_GIVES)
_NAMED: Final = About(
    "One version for good, by the SHA-256 of its canonical JSON; with /changes after it what it changed, against "
    "the version before or the one named.",
    asks={"against": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
    gives=_GIVES,
    rest=("version", {"type": "string", "pattern": "^[0-9a-f]{64}$"}),
)


class TermsDesk:
    """Answers what is under ``/.licet/terms/``."""

    def __init__(
        self, in_force: TermsInForce, described: Callable[[PublishedTerms], object] | None = None
    ) -> None:
        """Tell the versions of *in_force*; *described* makes JSON-LD of the terms for the page in force."""
        self._in_force = in_force
        self._described = described

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{PREFIX}/terms": read_at(self._current, _CURRENT),
            f"{PREFIX}/terms/": read_at(self._current, _CURRENT),
            f"{PREFIX}/terms/versions": read_at(self._versions, _LISTED),
            f"{PREFIX}/terms/*": read_at(self._named, _NAMED),
        }

    async def _current(self, call: Call) -> web.StreamResponse | Refusal:
        found = await self._in_force.of(call.policy)
        if found is None:
            return _nothing_published()
        version, _ = found
        at = f"{issuer_of(call.origin)}/terms/{version.name}"
        headers = {"Content-Location": at, "Link": _links(call.origin), "Vary": VARY}
        head = self._json_ld(call) if call.wants_page else ""
        return await self._told(
            call, version, {**headers, "Cache-Control": f"public, max-age={_SHORT}"}, head
        )

    async def _named(self, call: Call) -> web.StreamResponse | Refusal:
        await self._in_force.of(call.policy)  # what is in force is kept before anything is told
        name, _, rest = call.rest.partition("/")
        version = await self._version(call, name)
        if isinstance(version, Refusal) or (rest and rest != "changes"):
            return version if isinstance(version, Refusal) else Refusal(Problem.NOT_FOUND)
        if rest:
            return await self._changes(call, version)
        return await self._told(call, version, {**_FOREVER, "Link": _links(call.origin), "Vary": VARY})

    async def _told(
        self, call: Call, version: TermsVersion, headers: dict[str, str], head: str = ""
    ) -> web.StreamResponse:
        if not call.wants_page:
            return octets_reply(version.text, "application/json", {**headers, "ETag": f'"{version.name}"'})
        document = version.document
        history = await self._in_force.store.history(call.policy.site.id, MOST_LISTED)
        first = min((each.at for each in history if each.name == version.name), default=0)
        body = license_page(document, name=version.name, first_at=first, desk=PREFIX)
        return page(title_of(document), body, max_age=_YEAR, head=head, headers=headers)

    async def _changes(self, call: Call, newer: TermsVersion) -> web.StreamResponse | Refusal:
        against = call.request.query.get("against")
        before = await self._before(call, newer.name) if against is None else against
        older = await self._version(call, before) if before else None
        if isinstance(older, Refusal):
            return older
        found = changes(older.document if older else {}, newer.document)
        names = (older.name if older else "", newer.name)
        headers = {**_FOREVER, "Vary": VARY}
        if call.wants_page:
            body = changes_page(found, older=names[0], newer=names[1], desk=PREFIX)
            return page(
                tr("Changes: {title}").format(title=title_of(newer.document)),
                body,
                max_age=_YEAR,
                headers=headers,
            )
        told = {
            "from": names[0] or None,
            "to": names[1],
            "changes": [{"place": each.place, "before": each.before, "after": each.after} for each in found],
        }
        return json_reply(told, max_age=_YEAR, headers=headers)

    async def _before(self, call: Call, name: str) -> str:
        """The version that *name* followed when it came into force first; "" where it was the first of all."""
        history = await self._in_force.store.history(call.policy.site.id, MOST_LISTED)
        names = [each.name for each in reversed(history)]
        at = names.index(name) if name in names else 0
        return names[at - 1] if at else ""

    async def _versions(self, call: Call) -> web.StreamResponse | Refusal:
        await self._in_force.of(call.policy)
        history = await self._in_force.store.history(call.policy.site.id, MOST_LISTED)
        if call.wants_page:
            site = call.policy.site.name or call.policy.site.id
            title = tr("Versions of the license terms of {site}").format(site=site)
            return page(title, versions_page(history, desk=PREFIX), max_age=_SHORT)
        base = f"{issuer_of(call.origin)}/terms"
        listed = [
            {
                "version": each.name,
                "url": f"{base}/{each.name}",
                "in_force_from": moment(each.at),
                "changes": f"{base}/{each.name}/changes",
                "policy": each.policy,
            }
            for each in history
        ]
        return json_reply({"versions": listed}, max_age=_SHORT, headers={"Vary": VARY})

    async def _version(self, call: Call, name: str) -> TermsVersion | Refusal:
        read = _NAME.fullmatch(name)
        if read is None:
            return Refusal(
                Problem.NOT_FOUND, "A version is named by the 64 hexadecimal digits of its SHA-256."
            )
        found = await self._in_force.store.version(call.policy.site.id, read[1])
        return found or Refusal(Problem.NOT_FOUND, "This site never published a version of that name.")

    def _json_ld(self, call: Call) -> str:
        if self._described is None:
            return ""
        text = orjson.dumps(self._described(self._in_force.published(call.policy, call.origin))).decode()
        # Data, not script; but whatever stands in it must not end the element.
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        return f'<script type="application/ld+json">{text}</script>\n'


def _nothing_published() -> Refusal:
    return Refusal(Problem.NOT_FOUND, "This site publishes no terms at the moment.")


def _links(origin: str) -> str:
    base = f"{issuer_of(origin)}/terms"
    negotiations = f"{issuer_of(origin)}/negotiations"
    return (
        f'<{base}/>; rel="latest-version", <{base}/versions>; rel="version-history", '
        f'<{negotiations}>; rel="service"; title="negotiation", '
        f'<{issuer_of(origin)}/openapi.json>; rel="service-desc"'
    )
