"""Clients by themselves: registration (RFC 7591, July 2015) and what an account holds."""

from __future__ import annotations

import structlog
from aiohttp import web

from gateway.desk.call import Call, Group, protocol_at, read_at
from gateway.desk.clients import Clients, registered_document
from gateway.desk.held import Holdings
from gateway.desk.metadata import PREFIX
from gateway.desk.reading import JSON, read_body, read_json
from gateway.desk.replies import json_reply
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")


class Registration:
    """Answers who wants an account, and who has one."""

    def __init__(self, clients: Clients, holdings: Holdings) -> None:
        """Register with *clients*, tell what is held by *holdings*."""
        self._clients, self._holdings = clients, holdings

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{PREFIX}/account": read_at(self._account),
            f"{PREFIX}/register": protocol_at(self._register),
        }

    async def _account(self, call: Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        return json_reply(await self._holdings.account(known, call.policy))

    async def _register(self, call: Call) -> web.Response | Refusal:
        waiting = self._clients.waiting(call.address)
        if waiting is not None:
            return waiting
        body = await read_body(call.request, (JSON,))
        found = body if isinstance(body, Refusal) else read_json(body, Problem.METADATA_INVALID)
        if isinstance(found, Refusal):
            return found
        made = await self._clients.register(found)
        if isinstance(made, Refusal):
            return made
        _log.info("a client registered", client=made.client.id, licensee=made.licensee.id)
        return json_reply(registered_document(made), status=201)
