"""The pages that authors of a work reach by a secret link, ``/.licet/consent/SECRET``: read, answer, change.

The secret is all that a reader needs, so the pages are stored by nobody
(``no-store``), name no referrer, and a wrong one is paced by network. A program
may post the same as JSON.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.desk.call import READ, WRITE, About, Call, Group, Route
from gateway.desk.consent_page import consent_page
from gateway.desk.metadata import PREFIX
from gateway.desk.pacing import Limits, network, own_limit
from gateway.desk.reading import FORM, JSON, read_members
from gateway.desk.replies import json_reply, page
from gateway.languages import tr
from gateway.licenses.asking_authors import AskingAuthors
from gateway.licenses.consent import Answer, Consent, consented, read_answers, secret_digest
from gateway.paper import FORM_SECURITY
from gateway.problems import Problem, Refusal
from gateway.uses import Use

_TEXT: Final = {"type": "string"}
_SCHEMA: Final = {
    "type": "object",
    "properties": {str(use): {"enum": list(Answer)} for use in Use},
    "additionalProperties": False,
}
_GIVES: Final = {JSON: {"type": "object", "required": ["work", "answers"]}, "text/html": {}}
_REST: Final = ("secret", {"type": "string"})
_ABOUT: Final = {
    "GET": About("What an author of a work was asked, by its link.", gives=_GIVES, rest=_REST),
    "POST": About(
        "Consent or decline, use by use.", takes={FORM: _SCHEMA, JSON: _SCHEMA}, gives=_GIVES, rest=_REST
    ),
}


class ConsentDesk:
    """Answers authors, each by its own link."""

    def __init__(self, asking: AskingAuthors, clock: Clock, limits: Limits = own_limit) -> None:
        """Keep answers by *asking*; of *limits* is that of wrong links of each network, 20 at once and one a second."""
        self._asking, self._clock = asking, clock
        self._pace = limits("links", 1, 20)

    def group(self) -> Group:
        """Its addresses."""
        return {f"{PREFIX}/consent/*": Route((*READ[:2], *WRITE), self._answered, about=_ABOUT)}

    async def _answered(self, call: Call) -> web.StreamResponse | Refusal:
        consent = await self._asking.store.by_secret(secret_digest(call.rest))
        if consent is None or consent.site != call.policy.site.id:
            wait = self._pace.wait(network(call.address), self._clock.now_us())
            if wait:
                return Refusal(
                    Problem.TOO_FAST, "Too many wrong links come from this network.", retry_after=wait
                )
            return Refusal(Problem.NOT_FOUND, "There is no such link; ask for another one.")
        if call.request.method != "POST":
            return await self._shown(call, consent, by_form=call.wants_page)
        members = await read_members(call.request)
        answers = members if isinstance(members, Refusal) else read_answers(members)
        if isinstance(answers, Refusal):
            return answers
        after = await self._asking.answer(call.rest, answers, self._clock.now_us())
        if after is None:
            return Refusal(Problem.NOT_FOUND, "There is no such link; ask for another one.")
        return await self._shown(call, after, by_form=call.request.content_type == FORM, saved=True)

    async def _shown(
        self, call: Call, consent: Consent, *, by_form: bool, saved: bool = False
    ) -> web.StreamResponse:
        everybody = await self._asking.store.of_work(consent.site, consent.work)
        policy = call.policy
        offers = policy.withdrawn.sold if policy.withdrawn else policy.offers
        sells = tuple(offer for offer in offers if consent.work in offer.terms.scope.works)
        if not by_form:
            return json_reply(
                {
                    "work": consent.work,
                    "author": consent.author,
                    "share": consent.share,
                    "representative": consent.representative,
                    "answers": {str(use): str(answer) for use, answer, _ in consent.answers},
                    "may_be_sold": sorted(consented(everybody)),
                    "offers": [
                        {"id": each.id, "tier": each.tier, "uses": sorted(each.uses)} for each in sells
                    ],
                }
            )
        title = policy.site.name or policy.site.id
        body = consent_page(consent, everybody, sells, title, saved=saved)
        return page(tr("Your consent"), body, headers={"Content-Security-Policy": FORM_SECURITY})
