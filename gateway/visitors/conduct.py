"""What automata of one network did in the last hour: counters, and nothing else.

A counter belongs to a network (the /24 of an IPv4 address, the /48 of an IPv6
one), never to an address, a browser or a person. Four things are counted:

================ ============================================== ==========
event            what was seen                                  told from
================ ============================================== ==========
honeypot_hit     a fetch of the path that robots.txt closes     the first
                 and no page shows to a reader
rate_exceeded    more requests than the pace of a network       the first
robots_disobeyed a fetch that robots.txt closes to its sender   the third
terms_refused    a fetch that came back without a license       the tenth
================ ============================================== ==========

Who may be counted, and what for:

- `note` is called for requests alone that were judged automated by evidence of
  their own. Whoever stays unproven leaves nothing here, not even by a hit in
  the honeypot: somebody may have read the page's source, and prefetchers follow
  links. So there is no state about a person, and no fingerprint of anybody.
- `of` is asked for requests alone that already show some evidence themselves.
  A carrier's NAT, a campus, a library, a VPN and Tor put many people behind one
  network; what a neighbor did is no evidence about somebody who shows none.

At most `MOST` networks are held, the oldest forgotten first, and each for at
most `SECONDS` from its first event. One object a process; what one worker saw
the others need not know, because it is weight and never a verdict.

Pure but for its own counters: the time is the caller's, and nothing raises.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

from gateway.visitors.networks import parse_address

Event = Literal["honeypot_hit", "rate_exceeded", "robots_disobeyed", "terms_refused"]

#: Networks held at once.
MOST: Final = 4096
#: Seconds after its first event in which a network is forgotten.
SECONDS: Final = 3600
#: How often each event must have been seen before it is told, in the order in which it is told.
_TOLD_FROM: Final[dict[str, int]] = {
    "honeypot_hit": 1,
    "rate_exceeded": 1,
    "robots_disobeyed": 3,
    "terms_refused": 10,
}
_WIDTH: Final = {4: 24, 6: 48}
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#: An IPv4 address as nearly all are written, its /24 told apart: every automaton's request asks for it.
_USUAL: Final = re.compile(rf"((?:{_OCTET}\.){{3}}){_OCTET}", re.ASCII)


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """The network that *address* is counted with, or "" for what is no address.

    >>> network_of("192.0.2.77"), network_of("2001:db8:1:2::3"), network_of("unix:")
    ('192.0.2.0/24', '2001:db8:1::/48', '')
    """
    if usual := _USUAL.fullmatch(address):
        return f"{usual[1]}0/24"
    parsed = parse_address(address)
    if parsed is None:
        return ""
    width = _WIDTH[parsed.version]
    spare = parsed.max_prefixlen - width
    return f"{type(parsed)(int(parsed) >> spare << spare)}/{width}"


class _Network:
    """What one network did: when it began, how often each event was seen, and which of them are told."""

    __slots__ = ("began", "counts", "told")

    def __init__(self, began: int) -> None:
        self.began = began
        self.counts: dict[str, int] = dict.fromkeys(_TOLD_FROM, 0)
        self.told: tuple[str, ...] = ()


class Conduct:
    """Counts by network; see the module for who may be counted and asked about."""

    def __init__(self, *, most: int = MOST, seconds: int = SECONDS) -> None:
        """Hold at most *most* networks, each for at most *seconds*."""
        self._most = most
        self._seconds = seconds
        # Oldest first.
        self._seen: OrderedDict[str, _Network] = OrderedDict()

    def __len__(self) -> int:
        """How many networks are held."""
        return len(self._seen)

    def note(self, event: Event, address: str, at: int) -> None:
        """Count *event* for the network of *address* at second *at*; what is no address is not counted."""
        self.note_all((event,), network_of(address), at)

    def note_all(self, events: Iterable[Event], network: str, at: int) -> None:
        """Count *events* for *network* (`network_of`) at second *at*; "" is not counted."""
        if not network:
            return
        self.forget(at)
        held = self._seen.get(network)
        if held is None:
            if len(self._seen) >= self._most:
                self._seen.popitem(last=False)
            held = self._seen[network] = _Network(at)
        for event in events:
            held.counts[event] += 1
            if held.counts[event] == _TOLD_FROM[event]:
                held.told = tuple(each for each, least in _TOLD_FROM.items() if held.counts[each] >= least)

    def of(self, address: str, at: int) -> tuple[str, ...]:
        """What is told of the network of *address* at second *at*: codes in a fixed order, mostly none.

        Only for a visitor that already shows evidence of automation.
        """
        if not self._seen:
            return ()
        held = self._seen.get(network_of(address))
        return () if held is None or abs(at - held.began) >= self._seconds else held.told

    def tells(self, network: str, event: Event) -> bool:
        """Whether *event* of *network* (`network_of`) was seen often enough to be told."""
        held = self._seen.get(network)
        return held is not None and event in held.told

    def forget(self, at: int) -> None:
        """Drop every network whose hour is over at second *at*, by a clock set back too."""
        while self._seen:
            network = next(iter(self._seen))
            if abs(at - self._seen[network].began) < self._seconds:
                return
            del self._seen[network]
