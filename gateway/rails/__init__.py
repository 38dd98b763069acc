"""How money arrives with the request itself: one port, `rail.Rail`, and what implements it.

Owns: reading what a request pays with, saying in a 402 how to pay, and settling
between the origin's head and the first octet. Does not own what a license
covers (`admission.entitlement`), what is finally owed (`admission.owed`), nor
the purses (`admission.till`): a rail speaks of one page for one price, as claims
that those judge like a token's.

Adding a rail is one module here and one line where the front is plugged together.
"""
