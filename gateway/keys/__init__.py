"""The keys this gateway signs with, and the keys it believes.

Owns: key sets as others read them (`key_set`, RFC 7517), one private key
(`signing_key`), their rotation (`manifest`, pure) and their files (`key_ring`),
encrypted files (`ems`) and the keys that open them (`content_keys`),
the compact signature form (`jws`, RFC 7515) and the JSON below it
(`strict_json`).

Does not own: what is signed. A token's content is `gateway.tokens`; a receipt's
and a checkpoint's is `gateway.provenance`.

Invariants: one ring per purpose (``tokens``, ``checkpoints``), never shared.
The algorithm comes from the key, never from the text that is checked. A key
that left the set verifies nothing from that moment. A private key stands in a
file that its owner alone can read, and in no message, log or repr.
"""
