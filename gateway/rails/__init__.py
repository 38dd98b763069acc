"""How money arrives with the request itself: one port, `rail.Rail`, and what implements it.

Owns: reading what a request pays with, saying in a 402 how to pay, and settling
between the origin's head and the first octet. Does not own what a license
covers (`admission.entitlement`), what is finally owed (`admission.owed`), nor
the purses (`admission.till`): a rail speaks of one page for one price, as claims
that those judge like a token's. What others move (a chain by x402, Stripe for credit
paid in) rests in books of its own, `settlements` and `topups`, before they are
asked; their credits are journal entries like an operator's.

Invariants: a payment is recorded before it is settled, and settled in one
place; an outcome that is not known is kept as such and never asked of the payer
again; a credit has the id of its payment, so it is entered once.

Adding a rail is one module here and one line where the front is plugged together.
"""
