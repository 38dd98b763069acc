"""Does the proof cover the ask, and is there credit left?

Owns: `admit`, the order in which a license is judged; entitlement; the till
that takes a charge; idle units that come back where somebody is short
(`recalling`); what a delivery finally owes; pace.

Does not own: balances and postings (billing), tokens (tokens), the order of the
whole path (`front.exchange`).

Invariants: what decides is pure; credit is consumed in one place (`Till`);
narrowing any lever never widens an entitlement.
"""
