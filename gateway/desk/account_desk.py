"""A licensee's account: ``/.licet/account`` and below it, for people and for programs alike.

================================= ==================================================
GET  …/account                    everything about it: page or JSON
GET  …/charges                    every charge, newest first; ``?license= from= to=
                                  charged= after= limit=``; with ``.json`` or ``.csv``
                                  behind it exactly that view
GET  …/charges/ID                 one, with how it came about
GET, PUT, POST …/spend-limit      the most that may be spent in a month
GET, PUT, POST …/billed-to        legal name, address, tax id
GET  …/clients                    its clients, without anything secret
POST …/clients/ID/secret          another secret, shown once
POST …/clients/ID/revocation      the client opens nothing from now on
GET  …/export.zip                 all of it in one archive
================================= ==================================================

A browser logs in by HTTP Basic with client id and secret, so the pages set no
cookie and keep nothing with the reader. A form carries its owner's mark; JSON
needs none, because no other site's page can send it. Whose account it is
follows from the login alone: no address names a licensee.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiohttp import web
from pydantic import ValidationError

from gateway.billing.account_book import AccountBook, months_of
from gateway.billing.billing_office import BillingOffice
from gateway.billing.billing_rules import Party
from gateway.billing.charges import ChargeFilter, Charges
from gateway.billing.line_disputes import as_document
from gateway.clock import Clock
from gateway.desk import account_page as pages
from gateway.desk.account_schemas import ABOUT
from gateway.desk.account_view import ACCOUNT, AccountFacts, account_document, billed_to, client_row
from gateway.desk.call import READ, WRITE, Call, Group, Route
from gateway.desk.charge_list import ChargeList
from gateway.desk.clients import Clients, Known
from gateway.desk.entering import entered
from gateway.desk.form_tokens import FormTokens
from gateway.desk.held import Holdings
from gateway.desk.invoices import told
from gateway.desk.license_papers import PaperShelf
from gateway.desk.metadata import issuer_of
from gateway.desk.reading import FORM, read_members
from gateway.desk.replies import form_page, json_reply, nothing
from gateway.languages import tr
from gateway.licenses.client_list import ClientList
from gateway.licenses.duties import Duties
from gateway.licenses.spend_limits import SpendLimits, month_of
from gateway.money import Money, MoneyError
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")
_MOST: Final = 200
_HERE: Final = (*READ[:2], "POST", "PUT", "OPTIONS")
_OLD: Final = Refusal(
    Problem.FORM_INVALID,
    "The form is not of this page, or too old; load the page again, nothing was changed.",
)
_OTHER: Final = Refusal(Problem.NOT_FOUND, "This licensee has no client of that id.")


@dataclass(frozen=True, slots=True)
class AccountStores:
    """What an account is read from, and the few things that it changes."""

    charges: Charges
    limits: SpendLimits
    clients: ClientList
    duties: Duties
    office: BillingOffice
    accounts: AccountBook
    papers: PaperShelf


class AccountDesk:
    """Tells licensees everything about their account."""

    def __init__(
        self, clients: Clients, holdings: Holdings, stores: AccountStores, clock: Clock, forms: FormTokens
    ) -> None:
        """Recognize by *clients*; *holdings* says what is held, *forms* marks the forms."""
        self._clients, self._holdings, self._stores = clients, holdings, stores
        self._clock, self._forms = clock, forms
        self._list = ChargeList(stores.charges)

    def group(self) -> Group:
        """Its addresses."""
        return {
            ACCOUNT: Route((*READ, "POST"), self._account, about=ABOUT["account"]),
            f"{ACCOUNT}/charges": Route(READ, self._charges, about=ABOUT["charges"]),
            f"{ACCOUNT}/charges.json": Route(READ, self._charges, about=ABOUT["charges.json"]),
            f"{ACCOUNT}/charges.csv": Route(READ, self._charges, about=ABOUT["charges.csv"]),
            f"{ACCOUNT}/charges/*": Route(READ, self._charge, about=ABOUT["charge"]),
            f"{ACCOUNT}/spend-limit": Route(_HERE, self._limit, about=ABOUT["limit"]),
            f"{ACCOUNT}/billed-to": Route(_HERE, self._party, about=ABOUT["party"]),
            f"{ACCOUNT}/clients": Route(READ, self._all_clients, about=ABOUT["clients"]),
            f"{ACCOUNT}/clients/*/secret": Route(WRITE, self._secret, about=ABOUT["secret"]),
            f"{ACCOUNT}/clients/*/revocation": Route(WRITE, self._revoke, about=ABOUT["revocation"]),
            f"{ACCOUNT}/export.zip": Route(READ, self._export, about=ABOUT["export"]),
        }

    async def document(self, known: Known, call: Call) -> dict[str, Any]:
        """The whole account of *known* on the site of *call*."""
        licensee, stores = known.licensee, self._stores
        office = stores.office
        stands = {each.document.id: each for each in await office.standings(licensee.id)}
        bills = [each for each in await office.issuer.documents.of(licensee.id, _MOST) if each.number]
        now_us = self._clock.now_us()
        facts = AccountFacts(
            licensee=licensee,
            client=known.client,
            now=now_us // 1_000_000,
            month=month_of(now_us),
            stood=await self._holdings.account(known, call.policy),
            papers=await stores.papers.of(licensee.id, call.policy),
            used=await stores.charges.used(licensee.id),
            limits=await stores.limits.limits_of(licensee.id, month_of(now_us)),
            duties=await stores.duties.of(licensee.id, call.policy.site.id),
            clients=await stores.clients.clients_of(licensee.id),
            bills=[told(each, stands.get(each.id), call.origin) for each in bills],
            months=[each.name for each in await months_of(stores.accounts, licensee.id)],
            disputes=[as_document(each) for each in await office.disputes.of(licensee.id, _MOST)],
            party=await office.issuer.documents.party(licensee.id),
        )
        return account_document(facts, call.origin)

    async def _account(self, call: Call) -> web.StreamResponse | Refusal:
        if call.request.method == "POST":
            came = await entered(call, self._clients)
            known = came if isinstance(came, Refusal) else came[0]
        else:
            known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        if call.wants_page:
            return await self._page(call, known)
        return json_reply(await self.document(known, call))

    async def _page(
        self, call: Call, known: Known,
        given: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None,
    ) -> web.Response:  # fmt: skip
        newest = await self._list.rows(
            known.licensee.id, ChargeFilter(call.policy.site.id), None, pages.SHOWN
        )
        body = pages.account_page(
            await self.document(known, call), newest.rows, self._forms.of(known.licensee.id), given, wrong
        )
        title = self._title(
            tr("Your account at {site}").format(site=call.policy.site.name or call.policy.site.id)
        )
        return form_page(title, body, status=400 if wrong else 200, choice=not wrong)

    async def _charges(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        return await self._list.answer(call, known.licensee.id, self._title(tr("Charges and payments")))

    async def _charge(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        row = await self._list.one(known.licensee.id, call.rest, call.policy.site.id)
        if row is None:
            return Refusal(Problem.NOT_FOUND, "This licensee has no charge of that id here.")
        if not call.wants_page:
            return json_reply({**row, "receipt": f"{issuer_of(call.origin)}/receipts/{row['id']}"})
        return form_page(self._title(tr("A charge")), pages.charge_page(row, pages.trace_of(row)))

    async def _limit(self, call: Call) -> web.StreamResponse | Refusal:
        came = await self._changing(call)
        if isinstance(came, Refusal | web.StreamResponse):
            return came
        known, sent, by_form = came
        licensee, limits = known.licensee.id, self._stores.limits
        if sent is not None:
            currency, amount = str(sent.get("currency", "")), sent.get("limit")
            try:
                if amount in (None, ""):
                    await limits.lift(licensee, Money(0, currency).currency)
                else:
                    await limits.limit(licensee, Money.parse(amount, currency))  # type: ignore[arg-type]
            except MoneyError as error:
                why = f"Of the spend limit: {error}."
                if by_form:
                    return await self._page(
                        call, known, {f"limit.{currency}": str(amount)}, {f"limit.{currency}": why}
                    )
                return Refusal(Problem.FORM_INVALID, why, facts=(("member", "limit"),))
            _log.info("a spend limit was changed", licensee=licensee, client=known.client.id)
        if by_form:
            return _back("spend-limit")
        found = await limits.limits_of(licensee, month_of(self._clock.now_us()))
        return json_reply({"spend_limits": [_limit_row(each.limit, each.spent) for each in found]})

    async def _party(self, call: Call) -> web.StreamResponse | Refusal:
        came = await self._changing(call)
        if isinstance(came, Refusal | web.StreamResponse):
            return came
        known, sent, by_form = came
        documents = self._stores.office.issuer.documents
        party = await documents.party(known.licensee.id)
        if sent is not None:
            given = {
                name: str(sent.get(name, "")).replace("\r\n", "\n").strip()
                for name in ("name", "address", "tax_id")
            }
            read = _read_party(given, party)
            if isinstance(read, dict):
                if by_form:
                    return await self._page(call, known, given, read)
                member, why = next(iter(read.items()))
                return Refusal(Problem.FORM_INVALID, why, facts=(("member", member),))
            # The tax rule stays the operator's.
            await documents.name_party(known.licensee.id, read)
            party = read
            _log.info("a licensee said whom to bill", licensee=known.licensee.id, client=known.client.id)
        return _back("billed-to") if by_form else json_reply(billed_to(party))

    async def _all_clients(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        found = await self._stores.clients.clients_of(known.licensee.id)
        return json_reply({"clients": [client_row(each, known.licensee) for each in found]})

    async def _secret(self, call: Call) -> web.StreamResponse | Refusal:
        came = await self._client_of(call)
        if isinstance(came, Refusal):
            return came
        whose, by_form, _ = came
        made = await self._clients.another_secret(whose)
        if isinstance(made, Refusal):
            return made
        client, secret = made
        _log.info("a client got another secret", client=client.id, licensee=client.licensee)
        if by_form:
            return form_page(self._title(tr("Another secret")), pages.secret_page(client.id, secret))
        return json_reply(
            {"client_id": client.id, "client_secret": secret, "older_secret_until": client.older_until}
        )

    async def _revoke(self, call: Call) -> web.StreamResponse | Refusal:
        came = await self._client_of(call)
        if isinstance(came, Refusal):
            return came
        whose, by_form, count = came
        if count < 2:
            why = (
                "It is the only client of this licensee; register another one, or end it at its own address."
            )
            return Refusal(Problem.FORM_INVALID, why)
        await self._clients.remove(whose)
        _log.info("a client was revoked", client=whose.client.id, licensee=whose.licensee.id)
        return _back("") if by_form else nothing(204)

    async def _client_of(self, call: Call) -> tuple[Known, bool, int] | Refusal:
        """The client that the address names, if it is of whoever asks; whether a form asked; how many there are."""
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        by_form = call.request.content_type == FORM
        if by_form or call.request.body_exists:
            sent = await read_members(call.request)
            if isinstance(sent, Refusal):
                return sent
            if by_form and not self._forms.is_of(known.licensee.id, str(sent.get("form", ""))):
                return _OLD
        mine = await self._stores.clients.clients_of(known.licensee.id)
        found = next((each for each in mine if each.id == call.rest), None)
        return (Known(found, known.licensee), by_form, len(mine)) if found else _OTHER

    async def _changing(
        self, call: Call
    ) -> tuple[Known, Mapping[str, object] | None, bool] | web.StreamResponse | Refusal:
        """Who asks, what was sent (None where it is only read), and whether a form sent it."""
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        if call.request.method in READ:
            return (await self._page(call, known)) if call.wants_page else (known, None, False)
        by_form = call.request.content_type == FORM
        sent = await read_members(call.request)
        if isinstance(sent, Refusal):
            return sent
        if by_form and not self._forms.is_of(known.licensee.id, str(sent.get("form", ""))):
            return _OLD
        return known, sent, by_form

    async def _export(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        return await self._list.archive(call, known.licensee.id, await self.document(known, call))

    async def _known(self, call: Call) -> Known | Refusal:
        return await self._clients.authenticate(call.request, call.address, issuer=issuer_of(call.origin))

    def _title(self, text: str) -> str:
        return f"TEST: {text}" if self._stores.office.rules.test else text


def _read_party(given: Mapping[str, str], before: Party) -> Party | dict[str, str]:
    """What was *given*, with the rest as it was *before*; or what is wrong, by its member."""
    wrong = {
        name: tr("{field} is needed before the first invoice.").format(field=tr(label))
        for name, label in (("name", "Legal name"), ("address", "Address"))
        if not given[name]
    }
    if wrong:
        return wrong
    try:
        return Party.model_validate({**before.model_dump(), **given})
    except ValidationError as error:
        return {str(each["loc"][0]): f"{each['loc'][0]}: {each['msg']}." for each in error.errors()}


def _limit_row(limit: Money, spent: Money) -> dict[str, object]:
    left = Money(max(limit.micros - spent.micros, 0), limit.currency)
    return {"currency": limit.currency, "limit": limit.amount, "spent": spent.amount, "left": left.amount}


def _back(place: str) -> web.Response:
    """Load the account again, so that going back or reloading sends no form twice."""
    return nothing(303, {"Location": f"{ACCOUNT}#{place}" if place else ACCOUNT})
