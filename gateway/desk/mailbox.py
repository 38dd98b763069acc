"""Who is behind a private page, by mail: ``/.licet/mailbox/TOKEN`` proves that a mailbox is one's own.

The mail holds a token that is kept as its hash and good once and for a day.
Following the link does nothing yet, because programs that look at mails do
that; a button on the page does.
"""

from __future__ import annotations

from typing import Final

import structlog
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.call import Call
from gateway.desk.clients import Clients
from gateway.desk.form_tokens import FormTokens
from gateway.desk.in_person import InPerson
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.replies import form_page
from gateway.desk.review_page import mailbox_page
from gateway.desk.sent_forms import sent_form
from gateway.languages import later, tr
from gateway.licenses.private_links import PrivateLink, hashed, new_link
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")
MAILBOX: Final = f"{PREFIX}/mailbox"
_GOOD_SECONDS: Final = 24 * 3600
_TITLE: Final = later("Show that a mailbox is yours")
_WRONG: Final = later("This link was used before, replaced by a later one, or is older than a day.")
_DONE: Final = later(
    "It is known now who you are. Go back to the page of your negotiation, and load it again."
)
OLD: Final = later("The form was too old. What you typed is kept; send it again.")


class Mailbox:
    """Sends tokens and takes them back."""

    def __init__(self, clients: Clients, in_person: InPerson, tokens: FormTokens, clock: Clock) -> None:
        """Pace by *clients*, keep and send as *in_person* says."""
        self._clients, self._in_person = clients, in_person
        self._tokens, self._clock = tokens, clock

    async def mail(self, call: Call, link: PrivateLink) -> bool:
        """Send a fresh token to the address of *link*, where mail is set up; one that was sent ends the one before."""
        if self._in_person.verifying is None or not link.email:
            return False
        token = new_link()
        sent = await self._in_person.verifying.send(
            link.email,
            link=f"{issuer_of(call.origin)}/mailbox/{token}",
            site=call.policy.site.name or call.policy.site.id,
        )
        if sent:
            await self._in_person.links.mailed(link.negotiation, hashed(token), self._now() + _GOOD_SECONDS)
        return sent

    async def answer(self, call: Call) -> web.StreamResponse | Refusal:
        """The page that a mail leads to, and its button."""
        address = f"{MAILBOX}/{call.rest}"
        if call.request.method != "POST":
            return form_page(tr(_TITLE), mailbox_page(address, self._tokens.fresh()))
        sent = await sent_form(call)
        if isinstance(sent, Refusal):
            return sent
        if not self._tokens.nonce_of(sent.get("form", "")):
            return form_page(tr(_TITLE), mailbox_page(address, self._tokens.fresh(), tr(OLD)), status=400)
        found = await self._in_person.links.answered(hashed(call.rest), self._now())
        if found is None:
            refused = self._clients.turned_away(Refusal(Problem.NOT_FOUND, _WRONG), call.address)
            if refused.retry_after:
                return refused
            return form_page(tr(_TITLE), mailbox_page(address, self._tokens.fresh(), tr(_WRONG)), status=404)
        _log.info("a mailbox was proved", id=found.negotiation)
        return form_page(tr("Thank you"), f"<p>{tr(_DONE)}</p>\n")

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
