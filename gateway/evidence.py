"""What the path of a request knows besides the ask, and what it still needs.

Deciding never waits: identify, rule and admit are functions of the ask and of
the evidence at hand. When one of them lacks something that must be fetched (a
crawler's key, a lease of credit, the origin's robots.txt) it answers `Needs`;
`front.exchange` fetches what is named, adds it and asks again. Each need is
fetched at most once, so it ends.

Values are opaque here; whoever names a kind knows the type behind it:

=============== ==================================== ========================
kind            key                                  value
=============== ==================================== ========================
lease           record id                            admission.spending.Lease | Short
own-file        site id, space, path of the file     front.own_files.OwnFile
agent-keys      URL of a key directory               visitors.key_directory.KeyDirectory | NoDirectory
dns             address                              visitors.host_names.Looked
account         URL of a signature agent             rails.known_accounts.Found
used            mark of a signature or proof         bool: whether another request came with it elsewhere
=============== ==================================== ========================

A rail (`rails.rail.Rail.sources`) may add kinds of its own. A fetch that failed is evidence too: the value is a `problems.Refusal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to fetch. *about* is whatever its source must know besides the key."""

    kind: str
    key: str
    about: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Needs:
    """The answer "ask me again with these"; *wants* is never empty."""

    wants: tuple[Need, ...]


class Evidence:
    """Fetched facts by (kind, key). Adding returns a new value; nothing changes."""

    __slots__ = ("_facts",)

    def __init__(self, facts: Mapping[tuple[str, str], object] | None = None) -> None:
        """Hold *facts*; later changes to the mapping do not show."""
        self._facts: Mapping[tuple[str, str], object] = MappingProxyType(dict(facts or {}))

    def get(self, kind: str, key: str) -> object | None:
        """Return the fact, or None where it was never fetched."""
        return self._facts.get((kind, key))

    def has(self, kind: str, key: str) -> bool:
        """Whether this was fetched, whatever came of it."""
        return (kind, key) in self._facts

    def with_facts(self, facts: Iterable[tuple[Need, object]]) -> Evidence:
        """Return this evidence and the fetched *facts*."""
        merged = dict(self._facts)
        merged.update({(need.kind, need.key): value for need, value in facts})
        return Evidence(merged)


NOTHING = Evidence()
