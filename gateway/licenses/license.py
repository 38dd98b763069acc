"""Who holds a license, and what exactly was agreed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.terms.license_terms import LicenseTerms
from gateway.tokens.claims import Budget

#: How the ids begin of licenses that last for one fetch each: nobody holds them, records alone name them.
BY_FETCH: Final = "pf_"


class Standing(StrEnum):
    """Whether a licensee may buy. QUARANTINED: registered, neither approved nor funded."""

    QUARANTINED = "quarantined"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Licensee:
    """The company that holds licenses and pays. *created_at* is in whole seconds.

    *country* (ISO 3166-1 alpha-2) is where it says it is, "" for unsaid;
    *evidence* is what the operator saw of that, such as an entry in a register.
    """

    id: str
    name: str
    standing: Standing
    created_at: int
    contact: str = ""
    country: str = ""
    evidence: str = ""

    @property
    def seat(self) -> str:
        """The country, if it was declared and evidenced, else ""."""
        return self.country if self.evidence else ""


@dataclass(frozen=True, slots=True)
class Client:
    """One set of credentials of a licensee (RFC 7591, section 2).

    Secrets are kept as the lower-case hex SHA-256 of a 256-bit random text,
    which is shown once and kept nowhere; "" stands for none.

    Attributes:
        secret_sha256: of the client secret; "" for a client that signs.
        older_sha256: of the secret before it, which is good until second *older_until*.
        access_sha256: of the registration access token (RFC 7592), "" for a client that the operator added.
        signs: whether it logs in with ``private_key_jwt`` and not with a secret.
        metadata: what else it registered, as the text of one JSON object.
    """

    id: str
    licensee: str
    secret_sha256: str
    created_at: int
    name: str = ""
    uri: str = ""
    contacts: tuple[str, ...] = ()
    signs: bool = False
    metadata: str = "{}"
    access_sha256: str = ""
    older_sha256: str = ""
    older_until: int = 0


@dataclass(frozen=True)
class License:
    """Terms agreed by one licensee on one site.

    Attributes:
        offer: `Offer.id` that was accepted, or "" for a negotiated deal.
        policy: digest of the policy that priced it.
        starts_at, ends_at: whole seconds; valid from the first to before the second.
        budget: how much may be spent under it in all.
        crawlers: catalog names it was bought for, lower case; empty for none in particular.
        version: counted from 1; a renewal or an amendment has the id of what it follows and the next
            number. The terms in time of a license's versions never overlap.
    """

    id: str
    licensee: str
    site: str
    offer: str
    terms: LicenseTerms
    policy: str
    starts_at: int
    ends_at: int
    budget: Budget = field(default_factory=Budget)
    crawlers: frozenset[str] = frozenset()
    version: int = 1

    def live_at(self, now: int) -> bool:
        """Whether its term covers *now*, whole seconds."""
        return self.starts_at <= now < self.ends_at
