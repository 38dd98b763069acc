"""How long a client may take and how much it may say, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The clocks and bounds of one client connection; times in seconds, sizes in octets.

    Attributes:
        handshake: from a connection's start to the end of its TLS handshake.
        header: from a connection's start, or from the end of an answer, to a whole head.
        body_idle: between two pieces of a request's body.
        body_rate: octets a second that a body must reach on average after *body_grace* seconds.
        body_grace: how long a body may be slower.
        write_idle: for a full write buffer to empty.
        tunnel_idle: without an octet in either direction.
        tunnel_rest: for the origin to end a tunnel once the client has.
        linger: how long an unread body is thrown away before the connection is closed.
        requests: on one connection, after which it is closed.
        ahead: requests read before the first of them is answered; the connection ends behind them.
        overhead: octets of chunk framing beyond sixteen for each octet of a body.
        window: octets of a body held here before reading pauses.
        idle_in_drain: how long a connection must have been quiet before a drain closes it.
    """

    handshake: float = 10.0
    header: float = 15.0
    body_idle: float = 10.0
    body_rate: int = 1024
    body_grace: float = 10.0
    write_idle: float = 30.0
    tunnel_idle: float = 600.0
    tunnel_rest: float = 30.0
    linger: float = 2.0
    requests: int = 10_000
    ahead: int = 256
    overhead: int = 32 * 1024
    window: int = 128 * 1024
    idle_in_drain: float = 2.0

    @property
    def tick(self) -> float:
        """How often deadlines are looked at: a quarter of the shortest, at most half a second."""
        shortest = min(self.header, self.body_idle, self.write_idle, self.tunnel_idle, self.linger)
        return min(0.5, max(0.005, shortest / 4))
