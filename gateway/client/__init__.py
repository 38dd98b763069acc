"""The crawler's side: meet the terms, buy or bargain within limits, fetch with the token, keep the receipts.

Owns: `LicensedSession`, a buyer's strategies, its purse and its wallet. Carries
nothing of the server: it reads what the gateway publishes, by the RFCs it names.

Invariants: nothing is spent above the ceiling of a fetch or the budget of the
run, whose defaults are zero, however many fetches run at once; a token, a
secret and a login go only to the origin they are for, never along a redirect;
terms are agreed to by the hash that was computed here; a purchase that broke off
is asked for again under the same key; a "no" is a value.
"""

from gateway.client.bargaining import Bargain, Curve, Mandate, TakeIt, Wish
from gateway.client.licensing import Fetched
from gateway.client.logins import AgentKey, Secret, SignedLogin
from gateway.client.purse import FREE, Spending
from gateway.client.refused import Refused, Why
from gateway.client.session import LicensedSession

__all__ = [
    "FREE",
    "AgentKey",
    "Bargain",
    "Curve",
    "Fetched",
    "LicensedSession",
    "Mandate",
    "Refused",
    "Secret",
    "SignedLogin",
    "Spending",
    "TakeIt",
    "Why",
    "Wish",
]
