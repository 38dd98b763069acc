"""Redis, Valkey or a cluster of either: what workers and machines share so that they need not ask the books.

Owns: the line of one process to Redis (`line`), limits of pace that hold over all
workers and machines (`paces`), marks that are used once (`marks`), news from one
gateway to the others (`news`), what each says it has idle of leased units (`copies`),
and what is demanded of a server (`looking`).

Does not own: money. Leases, revocations and payment ids rest in the database; what
is here can be lost at any moment, and then only speed and kindness are lost.

Every change is one Lua script whose keys have one hash tag, so that a cluster runs
it whole. What a turn of the event loop asks goes out as one pipeline, and nobody
waits for it but who is the first to show a signature or a proof of a key, and then
for at most `redis_seconds`. Nothing that a person asks for waits.

What holds when Redis does not:

================================ =================================================================
Redis is                         then
================================ =================================================================
dead, or not there at the start  people, free uses and licensed fetches are served; pace is kept by
                                 each process for itself; a mark is known to the machine that saw
                                 it; revocations come from the database, within the second after
                                 which they are refused (design, promise 3); policies from files;
                                 units that lie idle elsewhere are credit again once they rested
slow, or paused                  the same, after one answer that took longer than `redis_seconds`
a read-only replica, full,       the same: whoever cannot write to it counts it as away, and asks
or still loading                 again every second whether it can
one whose user may not do        the same, and what the user lacks is said once: everything that may be asked is done
all that is needed               once whenever a line is opened
restarted empty                  pace begins anew from what each process knows; marks are known to
                                 the machine that saw them; news is read from its beginning
without its scripts              they are sent again with what was asked
a replica that was promoted      what it had not heard is as if Redis were empty; no lease, no
                                 revocation and no payment was there to be lost
================================ =================================================================

Keys are ``NAME:{…}``, NAME being the setting ``redis_name``; every one lapses by itself.
"""
