"""What a licensee agreed to, as an ODRL agreement: ``/.licet/licenses/ID.jsonld``, for that licensee alone.

ODRL 2.2 (W3C Recommendations, 2018-02-15), by `terms.odrl`. The document is of
the license as it was granted, revoked or run out or not; a license of another
licensee or another site is not there.
"""

from __future__ import annotations

from typing import Final

import orjson
from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.replies import octets_reply
from gateway.licenses.register import LicenseRegister
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.odrl import MEDIA_TYPE, odrl_agreement

_ENDING: Final = ".jsonld"
_ABOUT: Final = About(
    "One license of the client's licensee as an ODRL 2.2 agreement.",
    gives={MEDIA_TYPE: {"type": "object"}},
    login=True,
    rest=("id", {"type": "string", "pattern": r"\.jsonld$"}),
)


class Agreements:
    """Tells licensees what they agreed to."""

    def __init__(self, clients: Clients, register: LicenseRegister) -> None:
        """Know who asks by *clients*, and what was granted by *register*."""
        self._clients, self._register = clients, register

    def group(self) -> Group:
        """Its address, where licenses have no others (`desk.license_life`)."""
        return {f"{PREFIX}/licenses/*": read_at(self.agreement, _ABOUT)}

    async def agreement(self, call: Call) -> web.StreamResponse | Refusal:
        """Answer for one license, named by `Call.rest`."""
        known = await self._clients.authenticate(call.request, call.address, issuer=issuer_of(call.origin))
        if isinstance(known, Refusal):
            return known
        license_id = call.rest.removesuffix(_ENDING)
        found = await self._register.license(license_id) if call.rest.endswith(_ENDING) else None
        site = call.policy.site
        if found is None or found.licensee != known.licensee.id or found.site != site.id:
            return Refusal(Problem.NOT_FOUND, "This licensee holds no license of that id here.")
        creator = PublishedTerms(
            call.origin, site.name, site.contact, call.policy.digest, site.currency, scopes=(), robots=()
        )
        document = odrl_agreement(
            creator,
            found.terms,
            found.id,
            offer=found.offer,
            licensee=known.licensee.id,
            licensee_name=known.licensee.name,
            issued_at=found.starts_at,
            starts_at=found.starts_at,
            ends_at=found.ends_at,
        )
        return octets_reply(orjson.dumps(document), MEDIA_TYPE, {"Cache-Control": "no-store"})
