"""Fetch it from the creator's server and stream it back.

Owns: which origin answers for a site, hop-by-hop hygiene in both directions,
opening a request upstream (`forwarding`), connections and how many of them
(`connections`, `pool`), an answer's head as it stood (`head`), tunnels.

Does not own: whether the request may pass (admission), or what is remembered.

Invariants: credentials of ours never reach the origin; what the origin breaks
off never looks complete; nothing is buffered beyond a fixed window.
"""
