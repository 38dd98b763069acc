"""Coming in and going: name and password, the one-time link, and the form that was being written meanwhile.

=================  =====================================================
``/sign-in``       name and password, or the one-time link ``?token=``
``/sign-out``      POST; ``everywhere=yes`` ends all sessions of a person
=================  =====================================================

A form that is sent after its session ended is not lost: its fields are carried
through the sign-in in the page itself, or for whoever signs in elsewhere by
`carried`, and afterwards they are shown with a button that sends them. Nothing is
done before that is pressed.
"""

from __future__ import annotations

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.admin_log import AdminLog, tell
from gateway.dashboard.carried import NOTHING, Held
from gateway.dashboard.cookies import FORM_COOKIE, SESSION_COOKIE, cookie, end_cookie, set_cookie
from gateway.dashboard.forms import fields_of, held_of
from gateway.dashboard.frame import Frame
from gateway.dashboard.passkey_pages import place_of
from gateway.dashboard.passkeys import available
from gateway.dashboard.people import person_told
from gateway.dashboard.permissions import Permission
from gateway.dashboard.sessions import SHORTEST_PASSWORD, Denied, Sessions


class SignInPages:
    """The pages that need no session; *frame* draws them."""

    def __init__(self, sessions: Sessions, frame: Frame, admin: AdminLog | None, clock: Clock) -> None:
        """Sign in to *sessions*; that a link was used is noted in *admin*."""
        self._sessions, self._frame, self._admin, self._clock = sessions, frame, admin, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/sign-in", self._form)
        router.add_post("/sign-in", self._sign_in)
        router.add_post("/sign-out", self._sign_out)

    def refused(self, request: web.Request, wrong: Denied, held: Held = NOTHING) -> web.StreamResponse:
        """The sign-in page again, with why not, and with the form that is *held*."""
        return self._page(request, "", wrong, held=held)

    async def interrupted(self, request: web.Request) -> web.Response:
        """Ask whoever sent a form of a session that has ended to sign in, and hold what was typed."""
        await fields_of(request)
        pairs = [
            (name, value)
            for name, value in (await request.post()).items()
            if isinstance(value, str) and name != "form"
        ]
        return self._page(request, "", held=(request.path_qs, pairs), status=401)

    async def _form(self, request: web.Request) -> web.StreamResponse:
        if self._sessions.alive(cookie(request, SESSION_COOKIE)) and "token" not in request.query:
            raise web.HTTPSeeOther("/")
        return self._page(request, request.query.get("token", ""))

    def _page(
        self,
        request: web.Request,
        token: str,
        wrong: Denied | None = None,
        *,
        held: Held = NOTHING,
        status: int = 200,
        name: str = "",
    ) -> web.Response:
        form_cookie = cookie(request, FORM_COOKIE) or Sessions.fresh_name()
        asks = "password" if self._sessions.has_password else "link"
        invited = self._sessions.invited(token)
        if token:
            asks = "new-password" if invited else "link"
        shown = invited or self._sessions.people.first_owner()
        page = self._frame.render(
            request,
            "sign_in.html",
            {
                "asks": asks,
                "token": token,
                "wrong": wrong.sentence if wrong else "",
                "shortest": SHORTEST_PASSWORD,
                "form": self._sessions.form_token(form_cookie),
                "asks_name": self._sessions.asks_name and not invited,
                "name": name or (shown.name if shown else ""),
                "typed": name,
                "role": invited.role if invited else "",
                "passkeys": available()
                and any(
                    key.host == place_of(request).host
                    for each in self._sessions.people.all
                    for key in each.passkeys
                ),
                "held": held,
            },
            status=status if wrong is None else 429 if wrong.retry_after else 403,
        )
        if wrong and wrong.retry_after:
            page.headers["Retry-After"] = str(wrong.retry_after)
        set_cookie(request, page, FORM_COOKIE, form_cookie)
        return page

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        sent = await fields_of(request)
        token, name = sent.get("token", ""), sent.get("username", "").strip()[:64]
        held = await held_of(request)
        if not self._sessions.form_holds(cookie(request, FORM_COOKIE), sent.get("form", "")):
            return self._page(
                request, token, Denied("The form was too old. Please try again."), held=held, name=name
            )
        address, password = request.remote or "", sent.get("password", "")
        if token:
            if password != sent.get("again"):
                return self._page(request, token, Denied("The two passwords differ."))
            before = self._sessions.invited(token)
            begun = await self._sessions.set_password(token, password, address)
            if not isinstance(begun, Denied) and (signed := self._sessions.signed(begun)) is not None:
                await tell(
                    self._admin, Permission.SELF, "/sign-in", signed.person, "link", self._clock.now_us(),
                    (person_told(before), person_told(signed.person)),
                )  # fmt: skip
        else:
            begun = await self._sessions.sign_in(password, address, name)
        if isinstance(begun, Denied):
            return self._page(request, token, begun, held=held, name=name)
        return self.entered(request, begun, held)

    def entered(self, request: web.Request, begun: str, held: Held = NOTHING) -> web.StreamResponse:
        """Answer whoever has just signed in as session *begun*; the session before ends."""
        self._sessions.sign_out(cookie(request, SESSION_COOKIE))
        answer: web.StreamResponse
        if held[0]:
            context = {"held": held, "form": self._sessions.form_token(begun)}
            answer = self._frame.render(request, "held.html", context)
        else:
            answer = web.Response(status=303, headers={"Location": "/"})
        set_cookie(request, answer, SESSION_COOKIE, begun)
        end_cookie(request, answer, FORM_COOKIE)
        return answer

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        name = cookie(request, SESSION_COOKIE)
        form = await fields_of(request)
        answer = web.Response(status=303, headers={"Location": "/sign-in"})
        signed = self._sessions.signed(name)
        if signed is not None:
            if not self._sessions.form_holds(name, form.get("form", "")):
                raise web.HTTPForbidden
            self._sessions.sign_out(name)
            if form.get("everywhere") == "yes":
                self._sessions.sign_out_everywhere(signed.person.id)
        end_cookie(request, answer, SESSION_COOKIE)
        return answer
