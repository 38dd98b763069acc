"""Adapters: what the ports of the rooms below rest on.

Owns: the SQLite file (one writer a process, group commits, schema versions),
the same ports in memory, and the rows both keep.

Does not own: what a posting is (billing), who may spend (admission), in which
order the journal is read (provenance). A port stands beside its user; every
adapter of it passes the same suite in `tests/conformance`.

Invariants: one method is one atomic act; whatever an engine says went wrong
reaches the caller as `StoreUnavailable`; canonical bytes are the truth, every
other column is derived from them and can be made again.
"""
