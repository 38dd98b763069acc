"""The crawler's side: meet the terms, buy within a ceiling, fetch with the token.

Owns: `LicensedSession` and what it raises. Carries nothing of the server: it
reads what the gateway publishes, by the RFCs it names.

Invariant: nothing is bought above the ceiling, whose default is zero; a token
goes only to the origin it was bought for, never along a redirect.
"""

from gateway.client._session import Fetched, LicensedSession, PurchaseRefused

__all__ = ["Fetched", "LicensedSession", "PurchaseRefused"]
