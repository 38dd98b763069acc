"""What was agreed, with whom, and does it still stand?

Owns: licensees, their clients, licenses, the register they rest in, the
snapshot of what was revoked; and how a deal is found: a creator's position, the
engine that bargains, red flags, and what an exclusive license shuts out; what
could be asked for (`pricing_guide`), what works are worth (`value_memo`), and
what an operator did here (`dossier`).

Does not own: credit and postings (billing), tokens (tokens), or the rules that
make an offer (policy).

Invariants: a license is never changed in place; a new agreement is a new one. A
position is secret: nothing that leaves the process is computed from a floor but
a yes or a no.
"""
