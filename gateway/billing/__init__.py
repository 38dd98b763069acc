"""What is owed: derived from the journal, never the reverse.

Owns: postings and the rule that makes them from entries; the `Ledger` port;
statements; reconciliation of records, postings, balances and purses.

Does not own: purses of credit (admission), entries (provenance), rows (store).

Invariants: postings sum to zero in each currency; an entry posts exactly once;
dropping every posting and deriving again gives the same bytes; an amount is
rounded in `Money.times` alone.
"""
