"""The ports on PostgreSQL: for whoever outgrew one machine.

The ports themselves are those of `gateway.store.sqlite`: an act is a plain
function over a transaction, and what it calls of one (`execute`, `executemany`,
`changes`) is there on both engines. This package owns what differs: lines to the
server and how acts stay atomic on them (`database`), the words of SQL that the
engines spell differently (`dialect`), the schema (`versions`), the journal's
months and its batches (`folding`), and who may keep the public log (`leading`).

Invariants: an act runs in a SERIALIZABLE transaction of its own, again from its
beginning where another one was in its way, and the last time with nobody beside
it; it therefore sees and leaves what it would if acts ran one after the other,
as they do in SQLite. What was answered is on the server's disk.
"""
