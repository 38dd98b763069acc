"""The keys of signing agents, as far as they are at hand, and how they are fetched.

Implements the evidence of kind ``agent-keys``. `at_hand` never waits; `fetch`
is its source at the rim. Every bound is here, because a stranger chooses what is
fetched:

=================== ==========================================================
fresh               as long as the answer's ``max-age`` says, between a minute
                    and a day; an hour where it says nothing
not read again      the last good keys go on for a day, marked stale
failed              not asked again for a minute, doubled to at most five
key not in the set  the set is read again, if it is older than a minute; a
                    fresh set without the key revokes it
parallel requests   share one fetch
unknown hosts       a few fetches a minute each and all together; the hosts of
                    the catalog are exempt and are never dropped for a stranger
pinned              keys that the operator gave: never fetched, never stale
=================== ==========================================================

One object a process; what it keeps is about organizations, not about people.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.clock import Clock
from gateway.egress import Fetched, Get, Unfetched
from gateway.evidence import Need
from gateway.visitors.key_directory import KeyDirectory, NoDirectory, WantedKey, proven_keys, read_directory
from gateway.visitors.signature_agent import SignatureAgent

#: Seconds.
SHORTEST: Final = 60.0
LONGEST: Final = 86_400.0
USUAL: Final = 3600.0
STALE: Final = 86_400.0
RETRY: Final = 60.0
RETRY_MOST: Final = 300.0
#: Directories kept, and fetches of unknown ones in a minute: of one host, of all.
MOST: Final = 512
UNKNOWN_OF_HOST: Final = 6
UNKNOWN_OF_ALL: Final = 60
_MINUTE: Final = 60.0
_MAX_AGE: Final = re.compile(r"(?:^|,)\s*max-age=\"?(\d{1,9})", re.IGNORECASE)
_NOT_KEPT: Final = re.compile(r"(?:^|,)\s*no-(?:store|cache)\b", re.IGNORECASE)


@dataclass(slots=True)
class _Line:
    """What is known of one directory; times are monotonic."""

    good: KeyDirectory | None = None
    good_at: float = 0.0
    fresh_until: float = 0.0
    failure: NoDirectory | None = None
    failed_until: float = 0.0
    failures: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class AgentKeys:
    """Keeps the directories of agents; implements `signatures.KeysAtHand`."""

    def __init__(
        self,
        get: Get,
        clock: Clock,
        *,
        known: Callable[[SignatureAgent], bool],
        pinned: Mapping[str, KeyDirectory] | None = None,
        signed_only: bool = False,
        strangers: bool = True,
    ) -> None:
        """Fetch by *get*.

        *known* says whether the catalog has an agent, *pinned* are directories
        by agent. With *signed_only* a key counts only where its holder signed
        the directory; without *strangers* only known agents are fetched.
        """
        self._get, self._clock, self._known = get, clock, known
        self._pinned = dict(pinned or {})
        self._signed_only, self._strangers = signed_only, strangers
        self._lines: OrderedDict[str, _Line] = OrderedDict()
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()
        self._asked_all: deque[float] = deque(maxlen=UNKNOWN_OF_ALL)

    def at_hand(self, agent: SignatureAgent, keyid: str) -> KeyDirectory | NoDirectory | None:
        """The keys of *agent*, why there are none, or None: it is time to fetch them."""
        pinned = self._pinned.get(agent.url)
        if pinned is not None:
            return pinned
        if not self._strangers and not self._known(agent):
            return NoDirectory("directory_unknown")
        line = self._lines.get(agent.directory)
        return None if line is None else self._told(line, keyid)

    async def fetch(self, need: Need) -> KeyDirectory | NoDirectory:
        """The evidence source of kind ``agent-keys``; *need.about* is a `WantedKey`."""
        wanted = need.about
        assert isinstance(wanted, WantedKey)
        agent, keyid = wanted.agent, wanted.keyid
        found = self.at_hand(agent, keyid)
        if found is not None:
            return found
        if agent.directory not in self._lines and not self._may_ask(agent):
            return NoDirectory("directory_rate")
        line = self._line(agent)
        async with line.lock:
            found = self._told(line, keyid)
            if found is not None:
                return found
            if line.good_at and not self._may_ask(agent):
                return self._good(line) or NoDirectory("directory_rate")
            await self._read(agent, line)
        return self._told(line, keyid, just_read=True) or NoDirectory("directory_unreachable")

    def _told(self, line: _Line, keyid: str, *, just_read: bool = False) -> KeyDirectory | NoDirectory | None:
        now = self._clock.monotonic()
        if line.good is not None and now < line.fresh_until:
            held = line.good.get(keyid) is not None
            if held or just_read or now - line.good_at < SHORTEST or now < line.failed_until:
                return line.good
            return None
        if line.failure is not None and now < line.failed_until:
            return self._good(line) or line.failure
        return None

    def _good(self, line: _Line) -> KeyDirectory | None:
        """The last good keys, marked stale where they are, until they lapse."""
        now = self._clock.monotonic()
        if line.good is None or now >= line.fresh_until + STALE:
            return None
        return line.good if now < line.fresh_until else replace(line.good, stale=True)

    async def _read(self, agent: SignatureAgent, line: _Line) -> None:
        answer = await self._get(agent.directory)
        read = self._weighed(agent, answer)
        now = self._clock.monotonic()
        if isinstance(read, NoDirectory):
            line.failures += 1
            line.failure = read
            line.failed_until = now + min(RETRY * 2 ** (line.failures - 1), RETRY_MOST)
            return
        assert isinstance(answer, Fetched)
        line.good, line.good_at, line.fresh_until = read, now, now + _lifetime(answer)
        line.failure, line.failed_until, line.failures = None, 0.0, 0

    def _weighed(self, agent: SignatureAgent, answer: Fetched | Unfetched) -> KeyDirectory | NoDirectory:
        if isinstance(answer, Unfetched):
            return NoDirectory(f"directory_{answer.why}")
        found = read_directory(answer.body, agent)
        if isinstance(found, NoDirectory):
            return found
        second = self._clock.now_us() // 1_000_000
        proven = proven_keys(found, answer.url, answer.headers, answer.body, second)
        if proven is not None and not proven:
            return NoDirectory("directory_signature")
        if self._signed_only:
            if proven is None:
                return NoDirectory("directory_unsigned")
            found = replace(found, keys={name: found.keys[name] for name in found.keys if name in proven})
        return replace(found, proven=proven or frozenset())

    def _line(self, agent: SignatureAgent) -> _Line:
        line = self._lines.get(agent.directory)
        if line is None:
            line = self._lines[agent.directory] = _Line()
            if len(self._lines) > MOST:
                self._drop_one(but=agent.directory)
        self._lines.move_to_end(agent.directory)
        return line

    def _drop_one(self, *, but: str) -> None:
        """Drop the directory that was used longest ago and holds nothing, or any of a stranger's."""
        quiet = [url for url, line in self._lines.items() if url != but and not line.lock.locked()]
        for url in quiet:
            good = self._lines[url].good
            if good is None or not self._known_url(good.agent):
                del self._lines[url]
                return
        if quiet:
            del self._lines[quiet[0]]

    def _known_url(self, url: str) -> bool:
        return self._known(SignatureAgent(url, url, bound=False))

    def _may_ask(self, agent: SignatureAgent) -> bool:
        """Count one fetch of a stranger's host, if there is room for it in this minute."""
        if self._known(agent):
            return True
        now = self._clock.monotonic()
        host = agent.host
        asked = self._asked.setdefault(host, deque(maxlen=UNKNOWN_OF_HOST))
        self._asked.move_to_end(host)
        if len(self._asked) > MOST:
            self._asked.popitem(last=False)
        for times, most in ((asked, UNKNOWN_OF_HOST), (self._asked_all, UNKNOWN_OF_ALL)):
            if len(times) == most and now - times[0] < _MINUTE:
                return False
        asked.append(now)
        self._asked_all.append(now)
        return True


def _lifetime(answer: Fetched) -> float:
    """How long *answer* is fresh, in seconds (RFC 9111, section 5.2.2), within our bounds."""
    said = answer.header("cache-control")
    if _NOT_KEPT.search(said):
        return SHORTEST
    found = _MAX_AGE.search(said)
    if found is None:
        return USUAL
    age = answer.header("age")
    aged = int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0
    return min(max(float(int(found[1]) - aged), SHORTEST), LONGEST)
