"""What a client can ask about what it holds: its tokens and its account.

Introspection (RFC 7662, October 2015, with ``permitted`` of RSL's OLP) and
revocation (RFC 7009, August 2013) of the licensee's own tokens. A token that is
unknown, expired, revoked, of a license that is suspended, or somebody else's is
``{"active": false}`` and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.clock import Clock
from gateway.desk import olp
from gateway.desk.clients import Known
from gateway.desk.metadata import issuer_of, money_document
from gateway.desk.selling import Balance
from gateway.desk.wishes import read_place
from gateway.licenses.bundle_paths import NO_BUNDLES, Contents, opened_by
from gateway.licenses.license import License
from gateway.licenses.register import LicenseRegister
from gateway.licenses.revocations import Revocations
from gateway.licenses.withdrawal import NOTHING_WITHDRAWN, Withdrawn, refusal_of
from gateway.policy.earlier import EarlierPolicies
from gateway.policy.rules import Policy
from gateway.policy.withdrawing import with_withdrawn
from gateway.problems import Problem, Refusal
from gateway.terms.unit import ages_body, tiers_body
from gateway.tokens.claims import LEEWAY_SECONDS, Claims
from gateway.tokens.verification import Verifier

_INACTIVE: Final[dict[str, object]] = {"active": False}


class Holdings:
    """Answers a licensee's questions about its own tokens and licenses."""

    def __init__(
        self,
        register: LicenseRegister,
        verifier: Verifier,
        clock: Clock,
        balance: Balance,
        earlier: EarlierPolicies | None = None,
    ) -> None:
        """Judge tokens by *verifier*, and read what is revoked from *register* at every question."""
        self._register = register
        self._verifier = verifier
        self._clock = clock
        self._balance = balance
        self._earlier = earlier or EarlierPolicies()

    def earlier(self, policy: Policy) -> tuple[Policy, ...]:
        """The site's policies before *policy* whose license.xml somebody may still go by, newest first."""
        found = self._earlier.of_site(policy.site.id, self._now())
        return tuple(with_withdrawn(each, policy.withdrawn.each) for each in found)

    async def introspect(
        self, token: str, resource: str, known: Known, origin: str, policy: Policy | None = None
    ) -> dict[str, object]:
        """Say whether *token* stands now, and whether it covers *resource* if one is named; *policy* is the site's."""
        claims = self._read(token, origin)
        if isinstance(claims, Refusal) or claims.licensee != known.licensee.id:
            return _INACTIVE
        revoked = await self._register.revocations()
        if revoked.covers(claims) or revoked.suspension(claims.license):
            return _INACTIVE
        withdrawn = policy.withdrawn if policy else NOTHING_WITHDRAWN
        if withdrawn.from_licensee(claims.licensee, claims.uses):
            return _INACTIVE
        body: dict[str, object] = {
            "active": True,
            "token_type": "DPoP" if claims.key else "License",
            "scope": " ".join(sorted(claims.uses)),
            **olp.introspected(claims, await self._register.license(claims.license)),
            **claims.as_json(),
        }
        if resource:
            body |= _permitted(claims, resource, origin, withdrawn, policy.bundles if policy else NO_BUNDLES)
        return body

    async def standing(self, token: str, known: Known, origin: str) -> Claims | Refusal:
        """What *token* says, if it is the caller's own and stands now."""
        claims = self._read(token, origin)
        if isinstance(claims, Refusal):
            return claims
        if claims.licensee != known.licensee.id:
            return Refusal(Problem.TOKEN_INVALID, "The token was not issued to this client.")
        revoked = await self._register.revocations()
        if revoked.covers(claims):
            return Refusal(Problem.TOKEN_REVOKED, "The token was revoked.")
        return revoked.suspension(claims.license) or claims

    async def revoke(self, token: str, known: Known, origin: str) -> Refusal | None:
        """Let *token* open nothing from now on; one that opens nothing already is no error."""
        claims = self._read(token, origin)
        if isinstance(claims, Refusal):
            return None
        if claims.licensee != known.licensee.id:
            return Refusal(Problem.FORM_INVALID, "The token was not issued to this client.")
        until = claims.expires_at + LEEWAY_SECONDS + 1
        await self._register.revoke("token", claims.token_id, self._now(), until=until)
        return None

    async def account(self, known: Known, policy: Policy) -> dict[str, object]:
        """What the licensee has here: standing, balances and licenses, newest first."""
        licensee = known.licensee
        held = [each for each in await self._register.licenses_of(licensee.id) if each.site == policy.site.id]
        revoked = await self._register.revocations()
        currencies = {policy.site.currency, *(each.terms.compensation.currency for each in held)}
        return {
            "licensee": licensee.id,
            "name": licensee.name,
            "standing": str(licensee.standing),
            "client_id": known.client.id,
            "duties": "/.licet/duties",
            "balances": [
                money_document(await self._balance(licensee.id, currency)) for currency in sorted(currencies)
            ],
            "licenses": list(self._shown(held, revoked)),
        }

    def _shown(self, held: Iterable[License], revoked: Revocations) -> Iterable[dict[str, object]]:
        now, suspended = self._now(), dict(revoked.suspended)
        for license in held:
            terms = license.terms
            yield {
                "license": license.id,
                "offer": license.offer,
                "live": license.live_at(now)
                and license.id not in revoked.licenses
                and license.id not in suspended,
                "suspended": suspended.get(license.id, ""),
                "starts_at": license.starts_at,
                "ends_at": license.ends_at,
                "locations": [scope.pattern for scope in terms.scope.paths],
                "excluded": [scope.pattern for scope in terms.scope.excluded],
                "renditions": list(terms.scope.renditions),
                "privileges": sorted(terms.purpose.uses),
                "territory": terms.territory.as_json(),
                "territory_basis": str(terms.territory.basis),
                "crawlers": sorted(license.crawlers),
                "budget": {"micros": license.budget.micros, "fetches": license.budget.fetches},
                "price": {**money_document(terms.compensation.fetch_price), "per": "fetch"},
                "tiers": tiers_body(terms.compensation),
                "by_age": ages_body(terms.compensation),
                "window_hours": terms.compensation.window_hours,
                "terms": terms.hash,
                "policy": license.policy,
            }

    def _read(self, token: str, origin: str) -> Claims | Refusal:
        return self._verifier.verify(token, issuer=issuer_of(origin), audience=origin, now=self._now())

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _permitted(
    claims: Claims, resource: str, origin: str, withdrawn: Withdrawn, bundles: Contents
) -> dict[str, object]:
    place = read_place(resource, origin)
    if place is None:
        return {"permitted": False, "reason": f"The resource is no URL or path of {origin}."}
    gone = (
        withdrawn.stopping_at(place.pattern, claims.uses) if withdrawn and "*" not in place.pattern else None
    )
    if gone is not None:
        return {"permitted": False, "reason": refusal_of(gone).detail}
    if "*" not in place.pattern and opened_by(claims, place.pattern, bundles) is not None:
        return {"permitted": True}
    return {"permitted": False, "reason": "The license does not cover this path."}
