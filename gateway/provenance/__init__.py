"""What happened: append-only, checkable by others.

Owns: `FetchRecord` and its canonical bytes, the leaf that the public log will
hold, the journal (append files, group-committed), the keeper that folds them in
order, audit.

Does not own: what is owed (billing), or who may read it.

Invariants: a licensed answer's last byte leaves only after its record is
durable; records carry neither index nor previous hash, the keeper assigns the
order; personal data stands in the erasable `FetchDetail` alone, bound to the
record by a salted commitment, so erasing it breaks no proof.
"""
