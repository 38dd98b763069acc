"""Tokens: sold, looked into, taken back. The token endpoint of OAuth 2.0 and of RSL's OLP is one."""

from __future__ import annotations

from dataclasses import replace

import structlog
from aiohttp import web

from gateway.desk import olp
from gateway.desk.binding import Bindings
from gateway.desk.call import Call, Group, protocol_at
from gateway.desk.clients import Clients, Known, may_buy
from gateway.desk.entering import LOGIN, entered, first
from gateway.desk.held import Holdings
from gateway.desk.metadata import PREFIX
from gateway.desk.once import Once
from gateway.desk.one_round import Asking
from gateway.desk.replies import json_reply, nothing
from gateway.desk.selling import Buyer, Sales, Sold
from gateway.desk.wishes import read_signer, read_wish
from gateway.licenses.license import Standing
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")
_GRANTS = frozenset({"client_credentials"})
_RESOURCE = frozenset({"resource"})


class TokenEndpoints:
    """Answers clients that have authenticated."""

    def __init__(
        self, clients: Clients, sales: Sales, holdings: Holdings, bindings: Bindings, once: Once | None = None
    ) -> None:
        """Sell by *sales* what is bound as *bindings* say, what carries a key by *once*; tell what is held by *holdings*."""
        self._clients, self._sales, self._holdings = clients, sales, holdings
        self._bindings, self._once = bindings, once

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{PREFIX}/token": protocol_at(self._token),
            f"{PREFIX}/introspect": protocol_at(self._introspect),
            f"{PREFIX}/revoke": protocol_at(self._revoke),
        }

    async def _token(self, call: Call) -> web.Response | Refusal:
        came = await entered(call, self._clients, repeatable=_RESOURCE)
        if isinstance(came, Refusal):
            return came
        known, form = came
        granted = first(form, "grant_type")
        if not granted:
            return Refusal(Problem.FORM_INVALID, "The parameter grant_type is missing.")
        if granted not in (olp.GRANTS if "license" in form else _GRANTS):
            return Refusal(Problem.GRANT_UNSUPPORTED, "The grant type is not client_credentials.")
        barred = may_buy(known)
        if barred is not None and not _has_agreed(known, form):
            return barred
        bound = await self._bindings.of(call, known, form)
        if isinstance(bound, Refusal):
            return bound
        buyer = Buyer(
            known.client.id, known.licensee.id, call.policy, call.origin, bound.key, scoped="scope" in form,
            asking=Asking(known, call.address),
        )  # fmt: skip
        if self._once is None:
            return await self._granted(form, buyer, bound.nonce)
        # A login that is signed is another each time, and the client is known by now.
        told = sorted([name, *values] for name, values in form.items() if name not in LOGIN)
        wanted = {"form": told, "at": buyer.origin, "key": bound.key}
        return await self._once.answer(
            call.request, known.client.id, wanted, lambda: self._granted(form, buyer, bound.nonce)
        )

    async def _granted(
        self, form: dict[str, tuple[str, ...]], buyer: Buyer, nonce: str
    ) -> web.Response | Refusal:
        if "license" in form:
            sold = await self._sell_olp(form, buyer)
        else:
            sold = await self._sell(form, buyer)
        if isinstance(sold, Refusal):
            return sold
        return _sold(sold, "License" if "license" in form else "Bearer", nonce)

    async def _sell(self, form: dict[str, tuple[str, ...]], buyer: Buyer) -> Sold | Refusal:
        wanted = read_wish(
            form.get("resource", ()),
            first(form, "scope"),
            first(form, "authorization_details"),
            buyer.origin,
        )
        return wanted if isinstance(wanted, Refusal) else await self._sales.sell(wanted, buyer)

    async def _sell_olp(self, form: dict[str, tuple[str, ...]], buyer: Buyer) -> Sold | Refusal:
        wish = olp.read_wish(
            first(form, "license"),
            first(form, "license_type"),
            form.get("resource", ()),
            buyer.policy,
            buyer.origin,
            self._holdings.earlier(buyer.policy),
        )
        if isinstance(wish, Refusal):
            return wish
        party = read_signer(first(form, "authorization_details"))
        if isinstance(party, Refusal):
            return party
        wanted = replace(wish.wanted, party=party)
        sold = await self._sales.sell(wanted, replace(buyer, policy=wish.policy), wish.offers)
        return olp.spelled(sold, buyer.origin)

    async def _introspect(self, call: Call) -> web.Response | Refusal:
        came = await entered(call, self._clients, json_too=True)
        if isinstance(came, Refusal):
            return came
        known, form = came
        if "token" not in form:
            return Refusal(Problem.FORM_INVALID, "The parameter token is missing.")
        body = await self._holdings.introspect(
            first(form, "token"), first(form, "resource"), known, call.origin, call.policy
        )
        return json_reply(body)

    async def _revoke(self, call: Call) -> web.Response | Refusal:
        came = await entered(call, self._clients)
        if isinstance(came, Refusal):
            return came
        known, form = came
        if "token" not in form:
            return Refusal(Problem.FORM_INVALID, "The parameter token is missing.")
        return await self._holdings.revoke(first(form, "token"), known, call.origin) or nothing(200)


def _has_agreed(known: Known, form: dict[str, tuple[str, ...]]) -> bool:
    """Whether a client that waits for approval asks for a token of what it agreed on, which can only be small."""
    if known.licensee.standing is not Standing.QUARANTINED or "license" in form:
        return False
    wish = read_wish((), "", first(form, "authorization_details"), "")
    return not isinstance(wish, Refusal) and bool(wish.license)


def _sold(sold: Sold, token_type: str, nonce: str) -> web.Response:
    """Answer with the token; one that is bound is shown as DPoP has it, whatever was asked for."""
    claims = sold.claims
    _log.info("a token was sold", license=claims.license, client=claims.client, token=claims.token_id)
    return json_reply(
        {
            "access_token": sold.token,
            "token_type": "DPoP" if claims.key else token_type,
            "expires_in": claims.expires_at - claims.issued_at,
            "scope": " ".join(sorted(claims.uses)),
            "authorization_details": [claims.detail()],
            **({"manifest": sold.manifest} if sold.manifest else {}),
        },
        headers={"DPoP-Nonce": nonce} if nonce else None,
    )
