"""Negotiating in a browser: the addresses of people's pages, and what their forms do.

=================================== ===========================================
``/.licet/negotiate``               what is on offer; POST begins
``/.licet/negotiate/LINK``          one's own negotiation; POST goes on with it
``/.licet/negotiate/LINK/review``   every term and the document; POST signs
``/.licet/negotiate/LINK/contract`` the document as ``?as=html``, pdf or json
``/.licet/negotiate/LINK/key``      a program shows who is behind it
``/.licet/mailbox/TOKEN``           proves a mailbox
=================================== ===========================================

The engine, the store and the acts are those of programs (`bargains`); behind a
page stands a licensee that registered in it, quarantined. It may talk about
every offer, and signs nothing before somebody is known behind it (`in_person`),
and nothing but small deals before its owner approves it.

Whoever has the link speaks; it is kept as its hash, and guessing is paced by
network as failed logins are. Every change needs proof of same origin and a form
token. No cookie is set, and nothing on these pages runs.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from weakref import WeakValueDictionary

import orjson
import structlog
from aiohttp import web

from gateway.canonical import canonical_bytes, canonical_digest
from gateway.clock import Clock
from gateway.desk.agreeing import Assent, proposed_contract
from gateway.desk.bargains import Bargains, Place
from gateway.desk.buyer_page import negotiation_page, start_page
from gateway.desk.buyer_view import NEGOTIATE, PARTY, Seen, Typed
from gateway.desk.call import READ, WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients, Known
from gateway.desk.contract_page import contract_page
from gateway.desk.contract_pdf import PDF, available, contract_pdf
from gateway.desk.form_tokens import FormTokens
from gateway.desk.in_person import InPerson
from gateway.desk.key_proof import KeyProof
from gateway.desk.mailbox import MAILBOX, OLD, Mailbox
from gateway.desk.metadata import issuer_of, on_offer
from gateway.desk.negotiation_documents import assent_of
from gateway.desk.reading import FORM, JSON
from gateway.desk.replies import form_page, nothing, octets_reply
from gateway.desk.review_page import review_page, secret_page
from gateway.desk.sent_forms import Form, facts_in, lines_in, sent_form, sentences, wrong_about_who
from gateway.languages import later, tr
from gateway.licenses.contract import Clause
from gateway.licenses.lever_form import Filled, read_form, values_of
from gateway.licenses.negotiation import Negotiation, State
from gateway.licenses.private_links import BY_KEY, BY_MAIL, BY_OPERATOR, PrivateLink, hashed, new_link
from gateway.licenses.proposals import Message, levers_of
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms, Offer

_log = structlog.get_logger("licet.desk")
_REMEMBERED: Final = 1000
_PAGE: Final = {"text/html": {"type": "string"}}
_ABOUT_FORM: Final = {FORM: {"type": "object"}}
_LINK: Final = ("link", {"type": "string"})
_ABOUT_KEY: Final = About(
    "A key shows who is behind a page.",
    takes={JSON: {"type": "object"}},
    gives={JSON: {"type": "object", "required": ["negotiation", "known_by"]}},
    login=True,
    rest=_LINK,
)
_PROOFS: Final = {
    BY_MAIL: "a private link whose person answered a mail to {}",
    BY_KEY: "a private link whose person showed the key of {}",
    BY_OPERATOR: "a private link whose person the owner confirmed, who gave {}",
}
_REMARKS: Final = {
    "begun": later("Your proposal was sent."),
    "said": later("It was sent."),
    "signed": later("You have signed."),
    "mailed": later("A mail is on its way."),
    "unmailed": later("No mail could be sent just now. Try again later."),
    "known": later("Now it is known who you are."),
}


class BuyerPages:
    """Answers people. One object a process: the form tokens are its own."""

    def __init__(
        self,
        clients: Clients,
        bargains: Bargains,
        in_person: InPerson,
        clauses: tuple[Clause, ...],
        clock: Clock,
    ) -> None:
        """Register and recognize by *clients*, act by *bargains*, keep links as *in_person* says, draw *clauses*."""
        self._clients, self._bargains, self._in_person = clients, bargains, in_person
        self._clauses, self._clock, self._tokens = clauses, clock, FormTokens(clock)
        self._mail = Mailbox(clients, in_person, self._tokens, clock)
        self._key = KeyProof(clients, in_person.links, clock)
        self._begun: OrderedDict[str, str] = OrderedDict()
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def group(self) -> Group:
        """Its addresses."""
        both = (*READ[:2], *WRITE)

        def told(summary: str, sent: str = "") -> dict[str, About]:
            found = {"GET": About(summary, gives=_PAGE, rest=_LINK)}
            if sent:
                found["POST"] = About(sent, takes=_ABOUT_FORM, gives=_PAGE, rest=_LINK)
            return found

        contract = About(
            "The document of a negotiation on a page for people.",
            asks={"as": {"enum": ["html", "pdf", "json"]}},
            gives={**_PAGE, JSON: {}, PDF: {}},
            rest=_LINK,
        )
        return {
            NEGOTIATE: Route(both, self._start, about=told("Offers, for people.", "Begin, in a browser.")),
            f"{NEGOTIATE}/*": Route(both, self._one, about=told("One negotiation, for people.", "Go on with it.")),
            f"{NEGOTIATE}/*/review": Route(both, self._review, about=told("All terms, before signing.", "Sign.")),
            f"{NEGOTIATE}/*/contract": Route(READ, self._contract, about={"GET": contract}),
            f"{NEGOTIATE}/*/key": Route(WRITE, self._key.answer, about={"POST": _ABOUT_KEY}),
            f"{MAILBOX}/*": Route(both, self._mail.answer, about=told("Prove a mailbox.", "It is mine.")),
        }  # fmt: skip

    async def _start(self, call: Call) -> web.StreamResponse | Refusal:
        if call.request.method == "POST":
            return await self._begin(call)
        chosen = call.request.query.get("offer", "")
        return self._begin_page(call, chosen, Typed(), 200)

    def _begin_page(self, call: Call, id: str, typed: Typed, status: int) -> web.StreamResponse | Refusal:
        offers = on_offer(call.policy)
        chosen = next((each for each in offers if each.id == id), None)
        if id and chosen is None:
            body = start_page(offers, None, typed, form="", contact="", invited=False)
            return form_page(tr("There is no such offer"), body, status=404)
        if chosen is not None and not typed.values:
            typed = replace(typed, values=values_of(chosen.terms))
        body = start_page(
            offers,
            chosen,
            typed,
            form=self._tokens.fresh(),
            contact=call.policy.site.contact,
            invited=self._clients.by_invitation,
        )
        return form_page(tr("Negotiate a license"), body, status=status)

    async def _begin(self, call: Call) -> web.StreamResponse | Refusal:
        sent = await sent_form(call)
        if isinstance(sent, Refusal):
            return sent
        offer = next((each for each in on_offer(call.policy) if each.id == sent.get("offer", "")), None)
        if offer is None:
            return self._begin_page(call, sent.get("offer", "") or "-", Typed(), 404)
        nonce = self._tokens.nonce_of(sent.get("form", ""))
        filled = read_form(sent, offer.terms)
        facts, mistakes = facts_in(sent)
        mistakes |= dict(filled.mistakes) | wrong_about_who(sent)
        typed = Typed(sent, mistakes, () if nonce else (tr(OLD),))
        if mistakes or not nonce or filled.terms is None:
            return self._begin_page(call, offer.id, typed, 400)
        async with self._lines.setdefault(nonce, asyncio.Lock()):
            # Whoever sends a form twice gets to the same page.
            there = self._begun.get(nonce)
            if there is None:
                made = await self._opened(call, offer, sent, facts, filled.terms)
                if isinstance(made, Refusal):
                    if made.retry_after:
                        return made
                    wrong = replace(typed, sentences=sentences(made))
                    return self._begin_page(call, offer.id, wrong, made.status)
                there = self._begun[nonce] = made
                if len(self._begun) > _REMEMBERED:
                    self._begun.popitem(last=False)
        return _sent_on(f"{NEGOTIATE}/{there}?done=begun")

    async def _opened(
        self, call: Call, offer: Offer, sent: Form, facts: Form, terms: LicenseTerms
    ) -> str | Refusal:
        """Make the licensee, the negotiation and its private link."""
        known = await self._entered(call, sent)
        if isinstance(known, Refusal):
            return known
        place = Place(known, call.policy, call.origin, call.address, talks=True)
        begun = await self._bargains.begin(place, Message(offer.id, facts, levers_of(terms)))
        if isinstance(begun, Refusal):
            return begun
        address, now = new_link(), self._now()
        by_key = bool(sent.get("client_id"))
        link = PrivateLink(
            hashed(address),
            begun.id,
            known.client.id,
            sent["email"].strip(),
            now,
            verified_at=now if by_key else 0,
            verified_by=f"{BY_KEY} {known.client.id}" if by_key else "",
        )
        await self._in_person.links.add(link)
        _log.info("a person began a negotiation", id=begun.id, licensee=known.licensee.id)
        if not link.verified:
            await self._mail.mail(call, link)
        return address

    async def _entered(self, call: Call, sent: Form) -> Known | Refusal:
        """The client whose secret was typed, or a new one that is quarantined."""
        if sent.get("client_id"):
            login = {name: (sent.get(name, "").strip(),) for name in ("client_id", "client_secret")}
            return await self._clients.authenticate(
                call.request, call.address, login, issuer=issuer_of(call.origin)
            )
        barred = self._clients.waiting(call.address) or self._clients.uninvited(call.request, call.address)
        if barred is not None:
            return barred
        made = await self._clients.register(
            {"client_name": sent["company"].strip(), "contacts": [sent["email"].strip()]}
        )
        return made if isinstance(made, Refusal) else Known(made.client, made.licensee)

    async def _one(self, call: Call) -> web.StreamResponse | Refusal:
        came = await self._came(call)
        if isinstance(came, Refusal):
            return came
        place, seen = came
        if call.request.method != "POST":
            remark = tr(_REMARKS.get(call.request.query.get("done", ""), ""))
            return self._page(seen, Typed(), remark=remark)
        sent = await self._owned(call, seen)
        if isinstance(sent, Refusal):
            return sent
        negotiation, version, act = seen.negotiation, sent.get("version", ""), sent.get("act", "")
        status = 400
        made: Negotiation | Refusal | Typed
        match act:
            case "propose" | "facts":
                made = await self._spoken(place, negotiation, sent)
            case "verify":
                terms = negotiation.table.hash if negotiation.table else ""
                made = await self._bargains.verify(place, negotiation.id, version, terms)
            case "end":
                made = await self._bargains.end(place, negotiation.id, version, "The buyer ended it.")
            case "mail":
                sent_it = seen.link.verified or await self._mail.mail(call, seen.link)
                return _sent_on(f"{seen.base}?done={'mailed' if sent_it else 'unmailed'}")
            case "secret" if negotiation.state is State.FINALIZED and seen.link.verified:
                return await self._secret(place, seen)
            case _:
                made = Refusal(Problem.FORM_INVALID, "This form does nothing here.")
        if isinstance(made, Negotiation):
            return _sent_on(f"{seen.base}?done=said")
        if isinstance(made, Refusal):
            if made.retry_after:
                return made
            status, made = made.status, Typed(sent, {}, sentences(made), act)
        came = await self._came(call)
        return came if isinstance(came, Refusal) else self._page(came[1], made, status=status)

    async def _spoken(
        self, place: Place, negotiation: Negotiation, sent: Form
    ) -> Negotiation | Refusal | Typed:
        """Another proposal, or the facts that were asked for; or what of it cannot be."""
        if negotiation.state not in {State.REQUESTED, State.OFFERED}:
            return Refusal(Problem.NEGOTIATION_WAITS, f"It is {negotiation.state}.")
        facts, mistakes = facts_in(sent)
        levers = None
        if sent.get("act") == "propose":
            standing = negotiation.table or negotiation.proposal or negotiation.offer.terms
            filled: Filled = read_form(sent, standing)
            mistakes |= filled.mistakes
            levers = levers_of(filled.terms) if filled.terms else None
        if mistakes:
            return Typed(sent, mistakes, (), sent.get("act", ""))
        message = Message("", facts, levers)
        return await self._bargains.propose(place, negotiation.id, sent.get("version", ""), message)

    async def _secret(self, place: Place, seen: Seen) -> web.StreamResponse | Refusal:
        made = await self._clients.another_secret(place.known)
        if isinstance(made, Refusal):
            return self._page(seen, Typed(sentences=sentences(made)), status=made.status)
        client, secret = made
        return form_page(tr("A client secret"), secret_page(seen, client.id, secret))

    async def _review(self, call: Call) -> web.StreamResponse | Refusal:
        came = await self._came(call)
        if isinstance(came, Refusal):
            return came
        place, seen = came
        sent = await self._owned(call, seen) if call.request.method == "POST" else {}
        if isinstance(sent, Refusal):
            return sent
        typed, status = Typed(), 200
        if call.request.method == "POST":
            made = await self._signed(place, seen, sent)
            if isinstance(made, Negotiation):
                return _sent_on(f"{seen.base}?done=signed")
            if isinstance(made, Refusal) and made.retry_after:
                return made
            typed = made if isinstance(made, Typed) else Typed(sent, {}, sentences(made))
            status = made.status if isinstance(made, Refusal) else 400
            again = await self._came(call)
            if isinstance(again, Refusal):
                return again
            place, seen = again
        if not seen.stands:
            # It may have been accepted at this moment, or have ended.
            return self._page(seen, typed, status=409 if status == 200 else status)
        document = self._document(place, seen)
        assert document is not None
        assent = assent_of(seen.negotiation, place.known.licensee.name, place.origin)
        body = review_page(seen, document, canonical_digest(document), assent, typed)
        return form_page(tr("Review and sign"), body, status=status)

    async def _signed(self, place: Place, seen: Seen, sent: Form) -> Negotiation | Refusal | Typed:
        if not seen.link.verified:
            return Refusal(
                Problem.CLIENT_QUARANTINED,
                tr("Nobody knows yet who you are; this page says how that is settled."),
            )
        party, mistakes = lines_in(sent, PARTY, "party.")
        if sent.get("agree") != "on":
            mistakes["agree"] = tr("Tick this to sign: it is what you declare.")
        if mistakes:
            return Typed(sent, mistakes)
        assent = assent_of(seen.negotiation, place.known.licensee.name, place.origin)
        return await self._bargains.accept(
            place,
            seen.negotiation.id,
            sent.get("version", ""),
            Assent(sent.get("terms_hash", ""), assent, party),
        )

    async def _contract(self, call: Call) -> web.StreamResponse | Refusal:
        came = await self._came(call)
        if isinstance(came, Refusal):
            return came
        document = self._document(*came)
        if document is None:
            return Refusal(Problem.NEGOTIATION_WAITS, "Nothing is on the table.")
        digest = canonical_digest(document)
        kept = {"Cache-Control": "no-store", "ETag": f'"{digest}"'}
        name = f'attachment; filename="{came[1].negotiation.id}'
        match call.request.query.get("as", "html"):
            case "pdf" if available():
                octets = await asyncio.to_thread(contract_pdf, document, digest)
                return octets_reply(octets, PDF, {**kept, "Content-Disposition": f'{name}.pdf"'})
            case "pdf":
                return Refusal(
                    Problem.NOT_FOUND, "This gateway makes no PDF; ask for the page, and print it."
                )
            case "json":
                kept["Content-Disposition"] = f'{name}.json"'
                return octets_reply(canonical_bytes(document), JSON, kept)
        return form_page(str(document["heading"]), contract_page(document, digest), headers=kept)

    async def _came(self, call: Call) -> tuple[Place, Seen] | Refusal:
        """Who has the link in the address of *call*, and what there is to see."""
        link = await self._in_person.links.by_link(hashed(call.rest))
        nowhere = Refusal(Problem.NOT_FOUND, "There is no negotiation at this address.")
        if link is None:
            return self._clients.turned_away(nowhere, call.address)
        known = await self._clients.in_person(link.client, call.address)
        if isinstance(known, Refusal):
            return known
        by, whose = link.proof
        proof = _PROOFS.get(by, "").format(whose or link.email)
        place = Place(known, call.policy, call.origin, call.address, talks=True, proof=proof)
        found = await self._bargains.read(place, link.negotiation)
        if found is None:
            return nowhere
        seen = Seen(
            found,
            call.rest,
            link,
            known.licensee.name,
            call.policy.site.name or call.policy.site.id,
            call.policy.site.contact,
            self._in_person.verifying is not None,
            self._now(),
            self._tokens.of(link.link),
            call.origin,
        )
        return place, seen

    async def _owned(self, call: Call, seen: Seen) -> Form | Refusal:
        """The form that was sent from this very page."""
        sent = await sent_form(call)
        if isinstance(sent, Refusal):
            return sent
        if not self._tokens.is_of(seen.link.link, sent.get("form", "")):
            return Refusal(
                Problem.FORM_INVALID,
                "The form was too old: go back, load the page again, and send it anew.",
            )
        return sent

    def _page(self, seen: Seen, typed: Typed, *, remark: str = "", status: int = 200) -> web.StreamResponse:
        negotiation = seen.negotiation
        terms = negotiation.table or negotiation.proposal or negotiation.offer.terms
        body = negotiation_page(seen, typed, values_of(terms), remark)
        return form_page(tr("Your negotiation with {site}").format(site=seen.site), body, status=status)

    def _document(self, place: Place, seen: Seen) -> Mapping[str, object] | None:
        """The document that was agreed, or that of what is on the table, headed as proposed."""
        if seen.negotiation.contract:
            found: Mapping[str, object] = orjson.loads(seen.negotiation.contract)
            return found
        name = place.known.licensee.name
        return proposed_contract(seen.negotiation, place.policy, name, place.origin, self._clauses)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _sent_on(address: str) -> web.StreamResponse:
    return nothing(303, {"Location": address, "Referrer-Policy": "same-origin"})
