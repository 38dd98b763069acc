"""Door 2: what licensees and their programs ask, under ``/.licet/`` of every site.

Registration, the token endpoint for OAuth 2.0 and RSL's OLP callers alike, key
set and metadata, introspection and revocation, the offers, an account, and a
page for every refusal; negotiations (`negotiations`, whose acts are in
`bargains`) and the contracts that come of them. `routes` holds the URL table; `selling` the one order
in which a wish becomes a license, a fee and a token; `clients` who may ask, and
`binding` to which key a token is bound; `door` serves it all on a Unix socket,
to which the front forwards.

Does not own: what a license may say (`licenses.offers`), balances (billing),
the rules (policy), whether a token covers a fetch (admission).

Invariants: nothing is sold that is not on offer, for more than it is offered,
or twice for one agreement, unless its owner's engine or its owner agreed to it;
what somebody holds exclusively is neither offered nor sold to others; no fee is taken that is not durable in the journal
before the license exists; a secret is shown once and kept nowhere; no input
makes a 5xx.
"""
