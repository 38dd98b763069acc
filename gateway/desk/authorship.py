"""The proof of authorship that belongs to a contract: ``/.licet/contracts/LICENSE/authorship``, for its licensee.

A document of its own beside the contract, so that the contract's hash stays
what both sides agreed to, whatever is delivered later.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.canonical import canonical_bytes
from gateway.clock import Clock
from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX
from gateway.desk.negotiations import came_in
from gateway.desk.reading import JSON
from gateway.desk.replies import octets_reply
from gateway.licenses.authorship import annex_of, proof_of
from gateway.licenses.originals import Originals
from gateway.licenses.register import LicenseRegister
from gateway.problems import Problem, Refusal

_PRIVATE: Final = {"Cache-Control": "no-store", "Vary": "Accept, Authorization"}
_ABOUT: Final = About(
    "Proof of authorship of the works of a license: content ids, digests over time, originals.",
    gives={JSON: {"type": "object", "required": ["format", "works"]}},
    login=True,
    rest=("license", {"type": "string"}),
)


class AuthorshipDesk:
    """Answers the licensee of a license, and nobody else."""

    def __init__(self, originals: Originals, register: LicenseRegister, clock: Clock) -> None:
        """Read *originals* and what was delivered; licenses are *register*'s."""
        self._originals, self._register, self._clock = originals, register, clock

    def group(self, clients: Clients) -> Group:
        """Its addresses, for those whom *clients* recognizes."""
        self._clients = clients
        return {f"{PREFIX}/contracts/*/authorship": read_at(self._proof, _ABOUT)}

    async def _proof(self, call: Call) -> web.StreamResponse | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        license, site = await self._register.license(call.rest), place.policy.site.id
        if license is None or (license.licensee, license.site) != (place.known.licensee.id, site):
            return Refusal(Problem.NOT_FOUND, "This licensee has no license of that id here.")
        now = self._clock.now_us() // 1_000_000
        proofs = [
            proof_of(
                site,
                place.origin,
                work,
                await self._originals.seen(site, work),
                await self._originals.of_work(site, work),
                now,
            )
            for work in license.terms.scope.works
        ]
        annex = annex_of(proofs)
        headers = {**_PRIVATE, "ETag": f'"{annex.digest}"'}
        return octets_reply(canonical_bytes(annex.document), JSON, headers)
