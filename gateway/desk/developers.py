"""The developer portal: ``/.licet/developers``, its sandbox, and the list of refusals ``/.licet/problems``.

============================== =================================================
GET  …/developers              the portal; ``?url=&use=`` looks a rate up
POST …/developers/sandbox      in test mode: a client that may buy at once, with
                               test money; elsewhere there is no such address
GET  …/problems                every refusal there is
============================== =================================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import structlog
import uuid_utils
from aiohttp import web

from gateway.clock import Clock
from gateway.desk import developer_page as pages
from gateway.desk.call import READ, WRITE, About, Call, Group, Route, read_at
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.pacing import Limits, network, own_limit
from gateway.desk.quoting import Question, quote
from gateway.desk.replies import form_page, json_reply, page
from gateway.desk.wishes import read_place
from gateway.languages import tr
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Standing
from gateway.licenses.pricing import due_at_signing
from gateway.licenses.register import LicenseRegister
from gateway.money import Money
from gateway.problems import PROBLEMS, Problem, Refusal
from gateway.provenance.record import BookEntry
from gateway.uses import parse_use

Writing = Callable[[Sequence[BookEntry]], Awaitable[bool]]

_log = structlog.get_logger("licet.desk")
#: What a sandbox key may spend, in whole units of the site's currency.
SANDBOX_CREDIT: Final = 100
_JSON: Final = "application/json"
_ANY: Final[dict[str, Any]] = {_JSON: {"type": "object"}, "text/html": {}}
_PORTAL: Final = About(
    "For whoever writes a crawler: commands, rates, links.",
    asks={"url": {"type": "string"}, "use": {"type": "string"}}, gives=_ANY,
)  # fmt: skip
_SANDBOX: Final = About(
    "In test mode: a client that may buy at once with test money, shown once.",
    gives={_JSON: {"type": "object", "required": ["client_id", "client_secret"]}, "text/html": {}}, status=201,
)  # fmt: skip


class DeveloperDesk:
    """Answers whoever writes a crawler."""

    def __init__(
        self,
        register: LicenseRegister,
        write: Writing,
        clock: Clock,
        *,
        test: bool,
        limits: Limits = own_limit,
    ) -> None:
        """Enroll sandbox clients in *register*, where *test* says that the books are of test mode.

        *write* makes their money durable, and returns once the books show it: the next command spends it.

        Of *limits* is that of each network, 5 keys at once and one in ten minutes.
        """
        self._register, self._write, self._clock, self._test = register, write, clock, test
        self._pace = limits("sandboxes", 1 / 600, 5)

    def group(self) -> Group:
        """Its addresses; the sandbox is there in test mode alone."""
        sandbox = {pages.SANDBOX: Route(WRITE, self._sandbox, about={"POST": _SANDBOX})} if self._test else {}
        listed = About("Every refusal: code, status, meaning, what to do.", gives=_ANY)
        return {
            pages.DEVELOPERS: Route(READ, self._portal, about={"GET": _PORTAL}),
            pages.PROBLEM_LIST: read_at(self._problems, listed),
            **sandbox,
        }

    async def _portal(self, call: Call) -> web.StreamResponse | Refusal:
        policy = call.policy
        if not call.wants_page:
            issuer = issuer_of(call.origin)
            return json_reply(
                {
                    "openapi": f"{issuer}/openapi.json", "problems": f"{issuer}/problems", "quote": f"{issuer}/quote",
                    "sandbox": f"{issuer}/developers/sandbox" if self._test else None,
                    "curl": pages.by_curl(policy, call.origin, test=self._test),
                    "python": pages.by_python(policy, call.origin),
                },
                headers={"Vary": "Accept"},
            )  # fmt: skip
        name = policy.site.name or policy.site.id
        body = pages.developer_page(policy, call.origin, self.rate(call), test=self._test)
        return form_page(tr("For developers: {site}").format(site=name), body, choice=True)

    def rate(self, call: Call) -> dict[str, Any]:
        """What the page that the query names costs; {} where it names none."""
        query = call.request.rel_url.query
        url, use = query.get("url", "")[:2000], query.get("use", "")
        if not url:
            return {}
        found: dict[str, Any] = {"url": url, "use": use}
        place, named = read_place(url, call.origin), parse_use(use)
        if place is None or "*" in place.pattern:
            return {**found, "wrong": tr("That is no path or address of this site, in its plain form.")}
        if named is None:
            return {**found, "wrong": tr("Choose a use.")}
        one = quote(call.policy, Question(place.pattern, None, frozenset({named})), self._clock.now_us())
        return {
            **found,
            "outcome": one.outcome,
            "offers": [
                {
                    "offer": each.id, "uses": sorted(each.uses), "price": str(each.price),
                    "due": str(due_at_signing(each.terms)), "chosen": each is one.chosen,
                }
                for each in one.offers
            ],
            "json": f"{PREFIX}/quote?{urlencode({'url': url, 'use': use}, errors='replace')}",
        }  # fmt: skip

    async def _problems(self, call: Call) -> web.StreamResponse | Refusal:
        if call.wants_page:
            return page(tr("Every refusal"), pages.problem_list_page(), max_age=3600)
        told = [
            {
                "code": problem.code, "status": problem.status, "title": problem.title, "next_step": problem.next_step,
                "type": f"{call.origin}{pages.PROBLEM_LIST}/{problem.code}",
            }
            for problem in PROBLEMS.values()
        ]  # fmt: skip
        return json_reply({"problems": told}, max_age=3600, headers={"Vary": "Accept"})

    async def _sandbox(self, call: Call) -> web.StreamResponse | Refusal:
        now_us = self._clock.now_us()
        wait = self._pace.wait(network(call.address), now_us)
        if wait:
            return Refusal(
                Problem.TOO_FAST, "Too many sandbox keys are asked for from this network.", retry_after=wait
            )
        made = enroll("Sandbox", now=now_us // 1_000_000, standing=Standing.ACTIVE)
        await self._register.add_licensee(made.licensee, made.client)
        credit = Money(SANDBOX_CREDIT * 1_000_000, call.policy.site.currency)
        entry = BookEntry(
            str(uuid_utils.uuid7()), now_us, "credit", "", made.licensee.id, credit.micros, credit.currency,
            memo="test money of a sandbox key", by="sandbox",
        )  # fmt: skip
        await self._write((entry,))
        _log.info("a sandbox key was given out", client=made.client.id, licensee=made.licensee.id)
        if call.wants_page:
            body = pages.sandbox_page(made.client.id, made.secret, str(credit))
            return form_page(tr("Your sandbox key"), body, status=201)
        told = {
            "client_id": made.client.id,
            "client_secret": made.secret,
            "credit": str(credit),
            "mode": "test",
        }
        return json_reply(told, status=201)
