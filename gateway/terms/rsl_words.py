"""The closed vocabularies of RSL 1.0 (2025-12-10, errata to 2026-08-07) that a policy may use too."""

from __future__ import annotations

from typing import Final

#: Sections 3.13 and Appendix A.
WARRANTIES: Final = frozenset({"ownership", "authority", "no-infringement", "privacy-consent", "no-malware"})
DISCLAIMERS: Final = frozenset({"as-is", "no-warranty", "no-liability", "no-indemnity"})
LEGAL_TYPES: Final = frozenset({"warranty", "disclaimer", "attestation", "contact", "proof"})
#: Section 3.7.
PAYMENTS: Final = frozenset(
    {"purchase", "subscription", "training", "crawl", "use", "contribution", "attribution", "free"}
)
#: Three letters that ISO 4217 gives to no money, or not at all (erratum of 2026-05-13).
NO_CURRENCIES: Final = frozenset({"XBT", "BTC", "ETH", "XXX", "XTS"})
#: Section 3.11: the media type by which a payment is taken through x402.
X402: Final = "application/x402+json"
