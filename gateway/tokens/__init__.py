"""The signed, short-lived proof of a license, in both directions.

Owns: the one token profile (`claims`), minting and verification, and the proof
of the key that a token is bound to (`dpop`, `nonces`).

Does not own: keys (`gateway.keys`), or whether the claims cover an ask
(`gateway.admission.entitlement`).

Invariant: an unknown member or restriction means no; reading is as strict as
writing, and every verdict on a credential is one of "not mine", "mine and bad",
"mine and good".
"""
