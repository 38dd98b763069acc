"""Clients by themselves: registration, management, and what an account holds.

Registration is RFC 7591, management RFC 7592 (both July 2015): the answer to a
registration names an address of the client's own and a token for it. A secret
is told once, when it is made, so reading a registration does not tell it again;
whoever lost one asks for another at ``…/secret``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog
from aiohttp import web

from gateway.desk.call import READ, Call, Group, Route, protocol_at
from gateway.desk.client_metadata import client_document
from gateway.desk.clients import Clients, Known, bearer_of
from gateway.desk.entering import entered
from gateway.desk.held import Holdings
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.reading import JSON, read_body, read_json
from gateway.desk.replies import json_reply, nothing
from gateway.licenses.enrollment import Enrolled, secret_matches
from gateway.licenses.license import Client, Licensee
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")
_SECRET: Final = "/secret"  # noqa: S105 - the end of an address
_MANAGED: Final = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
#: What only we may say (RFC 7592, section 2.2).
_OURS: Final = frozenset(
    {
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    }
)


class Registration:
    """Answers who wants an account, and who has one."""

    def __init__(self, clients: Clients, holdings: Holdings) -> None:
        """Register with *clients*, tell what is held by *holdings*."""
        self._clients, self._holdings = clients, holdings

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{PREFIX}/account": Route((*READ, "POST"), self._account),
            f"{PREFIX}/register": protocol_at(self._register),
            f"{PREFIX}/register/*": Route((*_MANAGED, "POST"), self._manage, oauth=True),
        }

    async def _account(self, call: Call) -> web.Response | Refusal:
        if call.request.method == "POST":
            came = await entered(call, self._clients)
            known = came if isinstance(came, Refusal) else came[0]
        else:
            known = await self._clients.authenticate(
                call.request, call.address, issuer=issuer_of(call.origin)
            )
        if isinstance(known, Refusal):
            return known
        return json_reply(await self._holdings.account(known, call.policy))

    async def _register(self, call: Call) -> web.Response | Refusal:
        waiting = self._clients.waiting(call.address) or self._clients.uninvited(call.request, call.address)
        if waiting is not None:
            return waiting
        found = await _metadata(call)
        if isinstance(found, Refusal):
            return found
        made = await self._clients.register(found)
        if isinstance(made, Refusal):
            return made
        _log.info("a client registered", client=made.client.id, licensee=made.licensee.id)
        return json_reply(_registered(made, call), status=201)

    async def _manage(self, call: Call) -> web.Response | Refusal:
        client_id, renewing = call.rest.removesuffix(_SECRET), call.rest.endswith(_SECRET)
        if renewing is not (call.request.method == "POST"):
            return Refusal(Problem.NOT_FOUND)
        known = await self._clients.managing(client_id, call.request, call.address)
        if isinstance(known, Refusal):
            return known
        match call.request.method:
            case "DELETE":
                await self._clients.remove(known)
                _log.info("a client left", client=known.client.id, licensee=known.licensee.id)
                return nothing(204)
            case "PUT":
                return await self._changed(call, known)
            case "POST":
                made = await self._clients.another_secret(known)
                return made if isinstance(made, Refusal) else _managed(*made, known.licensee, call)
        return _managed(known.client, "", known.licensee, call)

    async def _changed(self, call: Call, known: Known) -> web.Response | Refusal:
        found = await _metadata(call)
        if isinstance(found, Refusal):
            return found
        if found.get("client_id") != known.client.id:
            return Refusal(Problem.METADATA_INVALID, "The client_id is needed, and is this client's.")
        if _OURS & found.keys():
            return Refusal(Problem.METADATA_INVALID, f"None of {', '.join(sorted(_OURS))} may be sent.")
        secret = found.get("client_secret")
        # The one it has, and not the one before it: so at a second at which that is long past.
        if secret is not None and not (
            isinstance(secret, str) and secret_matches(known.client, secret, known.client.older_until)
        ):
            return Refusal(Problem.METADATA_INVALID, "The client_secret is not the one this client has.")
        made = await self._clients.change(known, found)
        return made if isinstance(made, Refusal) else _managed(*made, known.licensee, call)


async def _metadata(call: Call) -> Mapping[str, object] | Refusal:
    body = await read_body(call.request, (JSON,))
    return body if isinstance(body, Refusal) else read_json(body, Problem.METADATA_INVALID)


def _registered(made: Enrolled, call: Call) -> dict[str, object]:
    """The answer of RFC 7591, section 3.2.1, with what is shown once."""
    return {
        **client_document(made.client, made.licensee),
        **_told(made.secret),
        "registration_access_token": made.access,
        "registration_client_uri": _address(made.client, call),
    }


def _managed(client: Client, secret: str, licensee: Licensee, call: Call) -> web.Response:
    """The answer of RFC 7592, section 3; the access token is the one that was just shown, and is kept nowhere."""
    return json_reply(
        {
            **client_document(client, licensee),
            **_told(secret),
            "registration_access_token": bearer_of(call.request),
            "registration_client_uri": _address(client, call),
        }
    )


def _told(secret: str) -> dict[str, object]:
    return {"client_secret": secret, "client_secret_expires_at": 0} if secret else {}


def _address(client: Client, call: Call) -> str:
    return f"{issuer_of(call.origin)}/register/{client.id}"
