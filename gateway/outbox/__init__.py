"""What must leave for others, each once in effect: events told by webhooks, by a feed and by e-mail.

Owns: reading what happened (`events`), who is told and how, when a telling is
tried again, and the words of letters.

Does not own: what happened (every port keeps its own `gateway.event.Event`s in
the transaction of the change), rows (store), addresses that a stranger named
(`gateway.egress` alone goes there).

Invariants: an event is kept with its change or not at all, and its id follows
from the change; what is told again has the same id; nobody is told of what is
of another licensee; no floor, secret or address stands in an event.
"""
