"""Who is behind a private page, by key: ``POST /.licet/negotiate/LINK/key``.

A program of the person's answers for the page: one that signs its requests in
the name of an agent (`desk.signed_agents`), or one that logs in for a licensee
whom the operator approved. What registered by itself and has but a secret
proves nobody. Whose key it was stands in the evidence of acceptance.
"""

from __future__ import annotations

import structlog
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.call import Call
from gateway.desk.clients import Clients
from gateway.desk.negotiations import came_in
from gateway.desk.replies import json_reply
from gateway.licenses.license import Standing
from gateway.licenses.private_links import BY_KEY, PrivateLinks, hashed
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")


class KeyProof:
    """Takes the word of a program for the person behind a page."""

    def __init__(self, clients: Clients, links: PrivateLinks, clock: Clock) -> None:
        """Recognize programs by *clients*, keep in *links* what they proved."""
        self._clients, self._links, self._clock = clients, links, clock

    async def answer(self, call: Call) -> web.StreamResponse | Refusal:
        """Verify the page in the address; the answer says how it is known, which is as before where it was."""
        link = await self._links.by_link(hashed(call.rest))
        if link is None:
            nowhere = Refusal(Problem.NOT_FOUND, "There is no negotiation at this address.")
            return self._clients.turned_away(nowhere, call.address)
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        client, licensee = came[0].known.client, came[0].known.licensee
        if licensee.standing is Standing.SUSPENDED or not (
            client.signs or licensee.standing is Standing.ACTIVE
        ):
            return Refusal(
                Problem.CLIENT_QUARANTINED,
                "This client is not approved and signs for no agent, so it proves nobody.",
            )
        whose = client.uri if client.signs else client.id
        found = await self._links.verify(
            link.negotiation, f"{BY_KEY} {whose}", self._clock.now_us() // 1_000_000
        )
        assert found is not None, "a page is never forgotten before its negotiation"
        _log.info("a key was shown", id=link.negotiation, client=client.id)
        return json_reply({"negotiation": link.negotiation, "known_by": found.verified_by})
