"""Tokens: sold, looked into, taken back. The token endpoint of OAuth 2.0 and of RSL's OLP is one."""

from __future__ import annotations

from dataclasses import replace

import structlog
from aiohttp import web

from gateway.desk import olp
from gateway.desk.call import Call, Group, protocol_at
from gateway.desk.clients import Clients, Known, may_buy
from gateway.desk.held import Holdings
from gateway.desk.metadata import PREFIX
from gateway.desk.once import Once
from gateway.desk.reading import FORM, JSON, read_body, read_form, read_json
from gateway.desk.replies import json_reply, nothing
from gateway.desk.selling import Buyer, Sales, Sold
from gateway.desk.wishes import read_wish
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")
_GRANTS = frozenset({"client_credentials"})
_RESOURCE = frozenset({"resource"})


class TokenEndpoints:
    """Answers clients that have authenticated."""

    def __init__(self, clients: Clients, sales: Sales, holdings: Holdings, once: Once | None = None) -> None:
        """Sell by *sales*, what carries a key by *once*; tell what is held by *holdings*."""
        self._clients, self._sales, self._holdings = clients, sales, holdings
        self._once = once

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{PREFIX}/token": protocol_at(self._token),
            f"{PREFIX}/introspect": protocol_at(self._introspect),
            f"{PREFIX}/revoke": protocol_at(self._revoke),
        }

    async def _token(self, call: Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        form = await _form(call, known)
        if isinstance(form, Refusal):
            return form
        granted = _first(form, "grant_type")
        if not granted:
            return Refusal(Problem.FORM_INVALID, "The parameter grant_type is missing.")
        if granted not in (olp.GRANTS if "license" in form else _GRANTS):
            return Refusal(Problem.GRANT_UNSUPPORTED, "The grant type is not client_credentials.")
        barred = may_buy(known)
        if barred is not None:
            return barred
        buyer = Buyer(known.client.id, known.licensee.id, call.policy, call.origin)
        if self._once is None:
            return await self._granted(form, buyer)
        wanted = {"form": {name: list(values) for name, values in form.items()}, "at": buyer.origin}
        return await self._once.answer(
            call.request, known.client.id, wanted, lambda: self._granted(form, buyer)
        )

    async def _granted(self, form: dict[str, tuple[str, ...]], buyer: Buyer) -> web.Response | Refusal:
        if "license" in form:
            sold = await self._sell_olp(form, buyer)
        else:
            sold = await self._sell(form, buyer)
        return (
            sold if isinstance(sold, Refusal) else _sold(sold, "License" if "license" in form else "Bearer")
        )

    async def _sell(self, form: dict[str, tuple[str, ...]], buyer: Buyer) -> Sold | Refusal:
        wanted = read_wish(
            form.get("resource", ()),
            _first(form, "scope"),
            _first(form, "authorization_details"),
            buyer.origin,
        )
        return wanted if isinstance(wanted, Refusal) else await self._sales.sell(wanted, buyer)

    async def _sell_olp(self, form: dict[str, tuple[str, ...]], buyer: Buyer) -> Sold | Refusal:
        wish = olp.read_wish(
            _first(form, "license"),
            _first(form, "license_type"),
            form.get("resource", ()),
            buyer.policy,
            buyer.origin,
            self._holdings.earlier(buyer.policy),
        )
        if isinstance(wish, Refusal):
            return wish
        sold = await self._sales.sell(wish.wanted, replace(buyer, policy=wish.policy), wish.offers)
        return olp.spelled(sold, buyer.origin)

    async def _introspect(self, call: Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        form = await _form(call, known, json_too=True)
        if isinstance(form, Refusal):
            return form
        if "token" not in form:
            return Refusal(Problem.FORM_INVALID, "The parameter token is missing.")
        body = await self._holdings.introspect(
            _first(form, "token"), _first(form, "resource"), known, call.origin
        )
        return json_reply(body)

    async def _revoke(self, call: Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        form = await _form(call, known)
        if isinstance(form, Refusal):
            return form
        if "token" not in form:
            return Refusal(Problem.FORM_INVALID, "The parameter token is missing.")
        return await self._holdings.revoke(_first(form, "token"), known, call.origin) or nothing(200)


async def _form(call: Call, known: Known, *, json_too: bool = False) -> dict[str, tuple[str, ...]] | Refusal:
    """Read the parameters of an authenticated request; who it is from was said by Basic alone."""
    body = await read_body(call.request, (FORM, JSON) if json_too else (FORM,))
    if isinstance(body, Refusal):
        return body
    if call.request.content_type == JSON:
        members = read_json(body, Problem.FORM_INVALID)
        if isinstance(members, Refusal):
            return members
        form: dict[str, tuple[str, ...]] = {
            name: (value,) for name, value in members.items() if isinstance(value, str) and value
        }
    else:
        read = read_form(body, repeatable=_RESOURCE)
        if isinstance(read, Refusal):
            return read
        form = read
    if "client_secret" in form or "client_assertion" in form:
        return Refusal(Problem.FORM_INVALID, "Credentials are sent with HTTP Basic, and in one way only.")
    if form.get("client_id", (known.client.id,)) != (known.client.id,):
        return Refusal(Problem.FORM_INVALID, "The parameter client_id names another client than Basic does.")
    return form


def _first(form: dict[str, tuple[str, ...]], name: str) -> str:
    return form.get(name, ("",))[0]


def _sold(sold: Sold, token_type: str) -> web.Response:
    claims = sold.claims
    _log.info("a token was sold", license=claims.license, client=claims.client, token=claims.token_id)
    return json_reply(
        {
            "access_token": sold.token,
            "token_type": token_type,
            "expires_in": claims.expires_at - claims.issued_at,
            "scope": " ".join(sorted(claims.uses)),
            "authorization_details": [claims.detail()],
        }
    )
