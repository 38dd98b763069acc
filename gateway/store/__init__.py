"""Adapters: what the ports of the rooms below rest on.

Owns: the SQLite file (one writer a process, group commits, schema versions), the
same ports on PostgreSQL (`postgres`) and in memory, the rows all keep, and moving
them from one engine to another.

Does not own: what a posting is (billing), who may spend (admission), in which
order the journal is read (provenance). A port stands beside its user; every
adapter of it passes the same suite in `tests/conformance`.

A port's SQL is written once, in `sqlite`, so that both engines read it: conflict
targets are named (``ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n``),
subqueries in FROM have a name, a truth in a column is ``= 1``, whole numbers are
cast to BIGINT, and an act asks a connection for nothing but `execute`,
`executemany` and `changes`. It may run again from its beginning, so it changes
nothing but the database.

Invariants: one method is one atomic act; whatever an engine says went wrong
reaches the caller as `StoreUnavailable`; canonical bytes are the truth, every
other column is derived from them and can be made again. Rows that nobody owes
for leave in time (`sqlite.shelving`); whoever reads by number, id or time reads
those that left from the journal's packed files too (`sqlite.shelved`).
"""
