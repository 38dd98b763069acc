"""The dashboard's addresses and who may see them.

=========================  ====================================================
``/``                      overview; see `overview_pages`
``/log``, ``/crawlers``, ``/content``: see `log_pages`
``/live``                  the latest fetches; ``/live/events`` tells new ones
``/records/ID``            one fetch and its decision trace; ``/replay``: see `replay_pages`
``/records/ID/reveal``     POST: the same with the client's address; it is noted who looked
``/who``                   whose request is this, and why
``/deals``                 the negotiations; see `deal_pages`
``/licenses``, ``/licensees``: see `holder_pages`
``/billing``               statements, invoices, disputes, payouts; see `billing_pages`, `billing_tables`
``/duties``                what licensees hand in; see `duty_pages`
``/milestones``            what of fees waits for something, and the acts on it; see `milestone_pages`
``/audits``                who checks their reports; see `audit_pages`
``/bundles``               what is sold as one; see `bundle_pages`
``/memo``, ``/calculator``, ``/figures``, ``/dossier``: see `worth_pages`
``/policies``              the rules; see `policy_pages` and `grid_pages`
``/preview``               what a crawler meets; see `preview_pages`
``/webhooks``              who is told of what happened; see `hook_pages`
``/health``                what is in order; see `health_pages`
``/setup``                 the first run; see `setup_pages`
``/consent``               withdrawals, objections, authors; see `consent_pages`, `effect_pages`
``/people``, ``/account``, ``/admin``: see `access_pages`; ``/keys``: see `key_pages`
``/api/``                  the same for programs; see `api`
``/sign-in``, ``/sign-out``: see `sign_in_pages`
``/views``                 named views of tables; see `view_pages`
``/healthz``               whether the pages can be made; needs no session
``/static/``               style, script, icon
=========================  ====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import aiohttp_jinja2
from aiohttp import web

from gateway import bundled
from gateway.clock import Clock
from gateway.dashboard import guards, pages
from gateway.dashboard.access_pages import AccessPages
from gateway.dashboard.api import Api, asked_by_program, page_json
from gateway.dashboard.asking import EVIDENCE, Explainer, Question
from gateway.dashboard.bar import bar
from gateway.dashboard.cookies import SESSION_COOKIE, cookie
from gateway.dashboard.exports import FORMATS
from gateway.dashboard.filters import EVERYTHING, Decision, View, read_view
from gateway.dashboard.forms import fields_of
from gateway.dashboard.frame import FRAME
from gateway.dashboard.gatekeeping import FIELDS, Gatekeeper, may, signed_of
from gateway.dashboard.key_pages import KeyPages
from gateway.dashboard.live import Live
from gateway.dashboard.log_pages import LogPages, curl
from gateway.dashboard.oidc_pages import OidcPages
from gateway.dashboard.overview_pages import OverviewPages
from gateway.dashboard.passkey_pages import PasskeyPages
from gateway.dashboard.permission_words import WORDS
from gateway.dashboard.permissions import Permission, wanted
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.rules_then import RulesThen
from gateway.dashboard.sessions import Sessions
from gateway.dashboard.sign_in_pages import SignInPages
from gateway.dashboard.states import states_of
from gateway.dashboard.table_forms import add_table
from gateway.dashboard.trace import answered, trace, without_addresses
from gateway.dashboard.view_pages import HERE, views_shown
from gateway.dashboard.whole_tables import led_on
from gateway.visitors.explained import Piece


def dashboard_app(
    access_log: AccessLog,
    sessions: Sessions,
    *,
    hosts: tuple[str, ...],
    status: Callable[[], Mapping[str, str]],
    who: Explainer,
    clock: Clock,
    rooms: Rooms,
) -> web.Application:
    """Put the pages together; the caller gives them their own listener.

    *hosts* are the names it answers to besides loopback's. *status* gives each
    site's mode, and under ``journal`` why that is not well, if it is not. *who*
    says who sent a request that somebody tells of. *rooms* are the pages beside the log.
    """
    return _Pages(access_log, sessions, hosts, status, who, clock, rooms).app()


#: Which page a fact of a record leads to, and how the value begins that has one.
_LEADS: Final[Mapping[str, tuple[str, str]]] = {
    "Licensee": ("/licensees/", "le_"),
    "License": ("/licenses/", "li_"),
}


class _Pages:
    def __init__(
        self,
        access_log: AccessLog,
        sessions: Sessions,
        hosts: tuple[str, ...],
        status: Callable[[], Mapping[str, str]],
        who: Explainer,
        clock: Clock,
        rooms: Rooms,
    ) -> None:
        self._rooms = rooms
        self._paths = (
            "/",
            "/live",
            "/crawlers",
            "/content",
            "/log",
            "/who",
            "/people",
            "/keys",
            *rooms.paths(),
        )
        self._log = access_log
        self._sessions = sessions
        self._hosts = guards.allowed_hosts(hosts)
        self._status = status
        self._explainer = who
        self._clock = clock
        self._live = Live(access_log, sessions)
        self._then = RulesThen(rooms.policies)
        self._sign_in = SignInPages(sessions, self, rooms.admin, clock)
        state_of = states_of(rooms, sessions.file)
        self._gate = Gatekeeper(sessions, clock, rooms.admin, state_of, self._sign_in.interrupted)

    def app(self) -> web.Application:
        app = web.Application(
            middlewares=[
                guards.host_guard(self._hosts),
                guards.trouble_page(self._trouble),
                guards.same_origin,
                self._gate.middleware,
                led_on,
                *((views_shown(self._rooms.views),) if self._rooms.views is not None else ()),
            ],
            client_max_size=2_097_152,
        )
        app[FRAME] = self
        app.on_response_prepare.append(guards.set_headers)
        if self._rooms.test_mode:
            app.on_response_prepare.append(guards.set_test_marks)
        app.on_shutdown.append(self._live.stop)
        environment = aiohttp_jinja2.setup(app, default_helpers=False, **pages.environment())
        environment.globals.update(
            MEANINGS=pages.MEANINGS,
            PERIODS=pages.PERIODS,
            Decision=Decision,
            ENDINGS=tuple(FORMATS),
            MAY=WORDS,
        )
        LogPages(self._log, self, self._clock).add_to(app.router)
        app.router.add_get("/live", self._live_page)
        app.router.add_get("/live/events", self._events)
        app.router.add_get("/records/{id}", self._record)
        app.router.add_post("/records/{id}/reveal", self._reveal)
        app.router.add_get("/who", self._who)
        add_table(app.router, "/who", EVIDENCE, self._evidence)
        setup = self._rooms.add_to(app.router, self, self._log, self._clock)
        OverviewPages(self._log, self, self._clock, self._status, setup, self._rooms).add_to(app.router)
        AccessPages(self._sessions, self._rooms.admin, self, self._clock, self._rooms.views).add_to(
            app.router
        )
        PasskeyPages(self._sessions, self, self._clock, self._sign_in.entered, self._sign_in.refused).add_to(
            app.router
        )
        if self._rooms.oidc is not None:
            OidcPages(
                self._rooms.oidc, self._sessions, self, self._clock, self._sign_in.refused, self._rooms.admin
            ).add_to(app.router)
        KeyPages(self._sessions.file, self, self._clock).add_to(app.router)
        self._sign_in.add_to(app.router)
        app.router.add_get("/healthz", self._health)
        app.router.add_static("/static/", bundled.static())
        Api(self._sessions.file, self._gate, self._clock).add_to(app.router)
        return app

    async def _live_page(self, request: web.Request) -> web.StreamResponse:
        refresh = request.query.get("refresh") != "off"
        view = self._live_view(request)
        newest = (await self._log.page(EVERYTHING, None, 1)).rows
        rows = () if view.mistakes else (await self._log.page(view.filter, None, pages.LIVE_ROWS)).rows
        context = {"rows": rows, "refresh": refresh, "view": view, "newest": newest[0].seq if newest else 0}
        return self.render(request, "live.html", context, status=400 if view.mistakes else 200)

    def _live_view(self, request: web.Request) -> View:
        """What the live page is narrowed to: the log's filter, of which times say nothing here."""
        apart = {"refresh", "after", "before", "limit", "from", "to", "last"}
        given = ((key, value) for key, value in request.query.items() if key not in apart)
        return read_view(given, self._clock.now_us())

    async def _events(self, request: web.Request) -> web.StreamResponse:
        view = self._live_view(request)
        if view.mistakes:
            raise web.HTTPBadRequest
        return await self._live.events(request, cookie(request, SESSION_COOKIE), view.filter)

    async def _record(self, request: web.Request) -> web.StreamResponse:
        return await self._record_page(request, revealed=False)

    async def _reveal(self, request: web.Request) -> web.StreamResponse:
        await self.form_of(request)
        return await self._record_page(request, revealed=True)

    async def _record_page(self, request: web.Request, *, revealed: bool) -> web.StreamResponse:
        record_id = request.match_info["id"]
        row = await self._log.row(record_id)
        if row is None:
            raise web.HTTPNotFound
        record = await self._log.record(record_id)
        detail = await self._log.detail(record_id)
        hidden = detail is not None and bool(detail.address or detail.peer) and not revealed
        if detail is not None and not revealed:
            detail = without_addresses(detail)
        rule = self._then.told(record.site, record.policy, record.rule) if record else None
        steps = trace(record, detail, rule.words) if record and rule else ()
        asked = Question(detail.user_agent, detail.address) if detail else None
        context = {
            "row": row,
            "record": record,
            "steps": steps,
            "line": rule.line if rule else "",
            "answer": answered(record) if record else "",
            "LEADS": _LEADS,
            "licensee": await self._licensee(record.licensee) if record else "",
            "again": asked.query() if asked else "",
            "again_as": curl(record, detail) if record else "",
            "hidden": hidden and may(request, Permission.ADDRESS_SEE),
        }
        return self.render(request, "record.html", context)

    async def _licensee(self, id: str) -> str:
        """What the licensee of that *id* calls itself; "" where nobody knows it."""
        if not id or self._rooms.holders is None:
            return ""
        found = await self._rooms.holders.register.licensee(id)
        return found.name if found else ""

    async def _who(self, request: web.Request) -> web.StreamResponse:
        question = Question.read(request.query)
        mistake = question.mistake()
        found = None
        if not (question.empty or mistake):
            at = self._clock.now_us() // 1_000_000
            found = question.explained(self._explainer, origin="https://site.example", at=at)
        context = {"question": question, "mistake": mistake, "found": found}
        return self.render(request, "who.html", context, status=400 if mistake else 200)

    async def _evidence(self, request: web.Request) -> Sequence[Piece]:
        question = Question.read(request.query)
        if question.empty or question.mistake():
            raise web.HTTPNotFound
        at = self._clock.now_us() // 1_000_000
        return question.explained(self._explainer, origin="https://site.example", at=at).pieces

    async def form_of(self, request: web.Request) -> Mapping[str, str]:
        """The fields of a form that this session was given; raises `HTTPForbidden` for any other."""
        if asked_by_program(request):
            sent = request[FIELDS]
            return {**sent}
        form = await fields_of(request)
        if not self._sessions.form_holds(cookie(request, SESSION_COOKIE), form.pop("form", "")):
            raise web.HTTPForbidden
        return form

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        well = pages.JOURNAL not in self._status()
        return web.json_response({"status": "ok" if well else "unwell"}, status=200 if well else 503)

    def _trouble(self, request: web.Request, status: int, heading: str, sentence: str) -> web.Response:
        return self.render(request, "trouble.html", {"heading": heading, "sentence": sentence}, status=status)

    def render(
        self, request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
    ) -> web.Response:
        """Draw *template* in the frame of the pages, or give what it would show to a program."""
        if asked_by_program(request):
            return page_json(request, context, status)
        session = cookie(request, SESSION_COOKIE)
        signed = signed_of(request) or self._sessions.signed(session)
        signed_in = signed is not None
        sites, unwell = pages.banner(self._status()) if signed_in else ((), "")
        frame = {
            "here": request.path,
            "signed_in": signed_in,
            "worth": self._rooms.worth is not None,
            "provider": self._rooms.oidc.name if self._rooms.oidc else "",
            "preview": self._rooms.preview is not None,
            "rules": self._rooms.policies is not None,
            "test_mode": self._rooms.test_mode,
            "bar": bar(
                [each for each in self._paths if signed and signed.may(wanted("GET", each))],
                request.path.removesuffix(".html"),
            ),
            "me": signed.person if signed else None,
            "can": lambda permission: signed is not None and signed.may(Permission(permission)),
            "sign_out_form": self._sessions.form_token(session) if signed_in else "",
            "sites": sites,
            "unwell": unwell,
            "views": request.get(HERE),
        }
        return aiohttp_jinja2.render_template(template, request, {**frame, **context}, status=status)
