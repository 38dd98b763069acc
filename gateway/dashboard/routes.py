"""The dashboard's addresses and who may see them.

=========================  ====================================================
``/``                      overview
``/log``, ``/crawlers``, ``/content``: see `log_pages`
``/live``                  the latest fetches; ``/live/events`` tells new ones
``/records/ID``            one fetch and its decision trace
``/who``                   whose request is this, and why
``/deals``                 the negotiations; see `deal_pages`
``/licenses``, ``/licensees``: see `holder_pages`
``/billing``               statements, invoices, disputes, payouts; see `billing_pages`
``/duties``                what licensees hand in; see `duty_pages`
``/milestones``            what of fees waits for something; see `milestone_pages`
``/audits``                who checks their reports; see `audit_pages`
``/bundles``               what is sold as one; see `bundle_pages`
``/memo``, ``/calculator``, ``/figures``, ``/dossier``: see `worth_pages`
``/policies``              the rules; see `policy_pages`
``/preview``               what a crawler meets; see `preview_pages`
``/webhooks``              who is told of what happened; see `hook_pages`
``/health``                what is in order; see `health_pages`
``/setup``                 the first run; see `setup_pages`
``/consent``               withdrawals, objections, authors; see `consent_pages`
``/sign-in``               password, or the one-time link ``?token=``
``/sign-out``              POST
``/healthz``               whether the pages can be made; needs no session
``/static/``               style, script, icon
=========================  ====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import aiohttp_jinja2
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from gateway import bundled
from gateway.clock import Clock
from gateway.dashboard import guards, pages
from gateway.dashboard.asking import Explainer, Question
from gateway.dashboard.filters import Decision, LogFilter, read_view
from gateway.dashboard.live import Live
from gateway.dashboard.log_pages import LogPages, curl
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.sessions import SHORTEST_PASSWORD, Denied, Sessions
from gateway.dashboard.trace import trace

SESSION_COOKIE: Final = "licet_session"
FORM_COOKIE: Final = "licet_form"
_OPEN: Final = frozenset({"/sign-in", "/sign-out", "/healthz"})


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
        self._tabs = (
            ("/", "Overview"),
            ("/live", "Live"),
            ("/crawlers", "Crawlers"),
            ("/content", "Content"),
            ("/log", "Access log"),
            ("/who", "Who"),
            *rooms.tabs(),
        )
        self._log = access_log
        self._sessions = sessions
        self._hosts = guards.allowed_hosts(hosts)
        self._status = status
        self._explainer = who
        self._clock = clock
        self._live = Live(access_log, sessions)

    def app(self) -> web.Application:
        app = web.Application(
            middlewares=[
                guards.host_guard(self._hosts),
                guards.trouble_page(self._trouble),
                guards.same_origin,
                self._signed_in,
            ],
            client_max_size=2_097_152,
        )
        app.on_response_prepare.append(guards.set_headers)
        app.on_shutdown.append(self._live.stop)
        environment = aiohttp_jinja2.setup(app, default_helpers=False, **pages.environment())
        environment.globals.update(MEANINGS=pages.MEANINGS, PERIODS=pages.PERIODS, Decision=Decision)
        app.router.add_get("/", self._overview)
        LogPages(self._log, self, self._clock).add_to(app.router)
        app.router.add_get("/live", self._live_page)
        app.router.add_get("/live/events", self._events)
        app.router.add_get("/records/{id}", self._record)
        app.router.add_get("/who", self._who)
        self._setup = self._rooms.add_to(app.router, self, self._log, self._clock)
        app.router.add_get("/sign-in", self._sign_in_form)
        app.router.add_post("/sign-in", self._sign_in)
        app.router.add_post("/sign-out", self._sign_out)
        app.router.add_get("/healthz", self._health)
        app.router.add_static("/static/", bundled.static())
        return app

    @web.middleware
    async def _signed_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _OPEN or request.path.startswith("/static/"):
            return await handler(request)
        if self._sessions.resume(_cookie(request, SESSION_COOKIE)):
            return await handler(request)
        if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPSeeOther("/sign-in")
        return web.Response(status=401, text="Sign in to the dashboard first.\n")

    async def _overview(self, request: web.Request) -> web.StreamResponse:
        now = self._clock.now_us()
        view = read_view(request.query.items(), now, last="24h")
        if view.mistakes:
            return self.render(
                request, "overview.html", {"view": view, "overview": None, "steps": ()}, status=400
            )
        found = await self._log.overview(view.filter)
        span = (view.filter.from_us, view.filter.to_us or now)
        chart = pages.chart(found, view.filter.step_us, span)
        licensed = pages.share(found.licensed, found.ai_fetches)
        return self.render(
            request,
            "overview.html",
            {
                "view": view,
                "overview": found,
                "chart": chart,
                "share": licensed,
                "books": self._status().get(pages.BOOKS, ""),
                "steps": await self._setup.items() if self._setup else (),
            },
        )

    async def _live_page(self, request: web.Request) -> web.StreamResponse:
        rows = (await self._log.page(LogFilter(), None, pages.LIVE_ROWS)).rows
        refresh = request.query.get("refresh") != "off"
        return self.render(
            request, "live.html", {"rows": rows, "refresh": refresh, "newest": rows[0].seq if rows else 0}
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._live.events(request, _cookie(request, SESSION_COOKIE))

    async def _record(self, request: web.Request) -> web.StreamResponse:
        record_id = request.match_info["id"]
        row = await self._log.row(record_id)
        if row is None:
            raise web.HTTPNotFound
        record = await self._log.record(record_id)
        detail = await self._log.detail(record_id)
        steps = trace(record, detail) if record else ()
        asked = Question(detail.user_agent, detail.address) if detail else None
        context = {
            "row": row,
            "record": record,
            "steps": steps,
            "again": asked.query() if asked else "",
            "again_as": curl(record, detail) if record else "",
        }
        return self.render(request, "record.html", context)

    async def _who(self, request: web.Request) -> web.StreamResponse:
        question = Question.read(request.query)
        mistake = question.mistake()
        found = None
        if not (question.empty or mistake):
            at = self._clock.now_us() // 1_000_000
            found = question.explained(self._explainer, origin="https://site.example", at=at)
        context = {"question": question, "mistake": mistake, "found": found}
        return self.render(request, "who.html", context, status=400 if mistake else 200)

    async def _sign_in_form(self, request: web.Request) -> web.StreamResponse:
        if self._sessions.alive(_cookie(request, SESSION_COOKIE)) and "token" not in request.query:
            raise web.HTTPSeeOther("/")
        return self._sign_in_page(request, request.query.get("token", ""))

    def _sign_in_page(
        self, request: web.Request, token: str, wrong: Denied | None = None
    ) -> web.StreamResponse:
        cookie = _cookie(request, FORM_COOKIE) or Sessions.fresh_name()
        asks = "password" if self._sessions.has_password else "link"
        if token:
            asks = "new-password" if self._sessions.link_holds(token) else "link"
        page = self.render(
            request,
            "sign_in.html",
            {
                "asks": asks,
                "token": token,
                "wrong": wrong.sentence if wrong else "",
                "shortest": SHORTEST_PASSWORD,
                "form": self._sessions.form_token(cookie),
            },
            status=200 if wrong is None else 429 if wrong.retry_after else 403,
        )
        if wrong and wrong.retry_after:
            page.headers["Retry-After"] = str(wrong.retry_after)
        _set_cookie(request, page, FORM_COOKIE, cookie)
        return page

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        sent = await _form(request)
        token = sent.get("token", "")
        if not self._sessions.form_holds(_cookie(request, FORM_COOKIE), sent.get("form", "")):
            return self._sign_in_page(request, token, Denied("The form was too old. Please try again."))
        address, password = request.remote or "", sent.get("password", "")
        if token:
            if password != sent.get("again"):
                return self._sign_in_page(request, token, Denied("The two passwords differ."))
            begun = await self._sessions.set_password(token, password, address)
        else:
            begun = await self._sessions.sign_in(password, address)
        if isinstance(begun, Denied):
            return self._sign_in_page(request, token, begun)
        self._sessions.sign_out(_cookie(request, SESSION_COOKIE))
        answer = web.Response(status=303, headers={"Location": "/"})
        _set_cookie(request, answer, SESSION_COOKIE, begun)
        _end_cookie(request, answer, FORM_COOKIE)
        return answer

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        name = _cookie(request, SESSION_COOKIE)
        form = await _form(request)
        token = form.get("form", "")
        answer = web.Response(status=303, headers={"Location": "/sign-in"})
        if self._sessions.alive(name):
            if not self._sessions.form_holds(name, token):
                raise web.HTTPForbidden
            self._sessions.sign_out(name)
        _end_cookie(request, answer, SESSION_COOKIE)
        return answer

    async def form_of(self, request: web.Request) -> Mapping[str, str]:
        """The fields of a form that this session was given; raises `HTTPForbidden` for any other."""
        form = await _form(request)
        if not self._sessions.form_holds(_cookie(request, SESSION_COOKIE), form.pop("form", "")):
            raise web.HTTPForbidden
        return form

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        well = "journal" not in self._status()
        return web.json_response({"status": "ok" if well else "unwell"}, status=200 if well else 503)

    def _trouble(self, request: web.Request, status: int, heading: str, sentence: str) -> web.Response:
        return self.render(request, "trouble.html", {"heading": heading, "sentence": sentence}, status=status)

    def render(
        self, request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
    ) -> web.Response:
        """Draw *template* in the frame of the pages."""
        session = _cookie(request, SESSION_COOKIE)
        signed_in = self._sessions.alive(session)
        sites, unwell = pages.banner(self._status()) if signed_in else ((), "")
        frame = {
            "here": request.path,
            "signed_in": signed_in,
            "worth": self._rooms.worth is not None,
            "preview": self._rooms.preview is not None,
            "tabs": self._tabs,
            "sign_out_form": self._sessions.form_token(session) if signed_in else "",
            "sites": sites,
            "unwell": unwell,
        }
        return aiohttp_jinja2.render_template(template, request, {**frame, **context}, status=status)


def _cookie(request: web.Request, name: str) -> str:
    value = request.cookies.get(f"__Host-{name}") or request.cookies.get(name, "")
    # What we set is ASCII; anything else is nobody's cookie.
    return value if value.isascii() else ""


def _set_cookie(request: web.Request, answer: web.StreamResponse, name: str, value: str) -> None:
    secure = guards.is_https(request)
    answer.set_cookie(
        f"__Host-{name}" if secure else name,
        value,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=secure or None,
    )


def _end_cookie(request: web.Request, answer: web.StreamResponse, name: str) -> None:
    secure = guards.is_https(request)
    answer.del_cookie(
        f"__Host-{name}" if secure else name,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=secure or None,
    )


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form; a body that is none, in whatever way, is a 400."""
    try:
        form = await request.post()
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        "".join(fields.values()).encode()
    except (ValueError, LookupError, HttpProcessingError):
        raise web.HTTPBadRequest(text="This is not a form.") from None
    return fields
