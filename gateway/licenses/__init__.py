"""What was agreed, with whom, and does it still stand?

Owns: licensees, their clients, licenses, the register they rest in, and the
snapshot of what was revoked.

Does not own: credit and postings (billing), tokens (tokens), or the rules that
make an offer (policy).

Invariant: a license is never changed in place; a new agreement is a new one.
"""
