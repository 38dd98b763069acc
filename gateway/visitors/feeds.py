"""A published feed: read, and judged before it may replace the copy we have.

Operators publish ``{"creationTime": …, "prefixes": [{"ipv4Prefix": …}, …]}``
(Google's form, which most took over), plain JSON lists, or a prefix a line.
A feed is taken whole or not at all: one entry that is no prefix, or one that no
operator can mean, and the copy we have goes on. Whoever controls a feed decides
who counts as that crawler, so what changes too much at once waits for a person.

Pure: octets and values in, values out; no I/O, no clock, no raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, Final

import orjson

from gateway.visitors.networks import SHORTEST, Network, prefix_fault

#: Octets of the longest feed that is read; the longest real one has 400 kB.
LONGEST: Final = 2 << 20
#: Entries of the longest feed that is taken.
MOST: Final = 20_000
#: Texts of a feed that a fault quotes, and characters of each.
_QUOTED, _QUOTE = 3, 60
_ROW_KEYS: Final = ("ipv4Prefix", "ipv6Prefix", "ip_prefix", "ipv6_prefix", "prefix", "ip_address", "ip")
_LIST_KEYS: Final = ("prefixes", "ranges", "ips", "addresses")
_DATE_KEYS: Final = ("creationTime", "date")


@dataclass(frozen=True, slots=True)
class FeedFault:
    """Why a feed is not taken up: the rule, the fact, what to do.

    *code* is stable: ``too-long``, ``unreadable``, ``no-prefixes``, ``too-many``,
    ``entry``, ``special``, ``too-wide``, ``shrunk``, ``grown``, ``covers``,
    ``older``. *arguable*: a person may accept it all the same.
    """

    code: str
    rule: str
    fact: str
    next_step: str
    arguable: bool = False

    def __str__(self) -> str:
        """One line: rule, fact, next step."""
        return f"{self.rule}: {self.fact}; {self.next_step}"


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says: its prefixes, sorted and each once, and its own date.

    *dated* is in seconds since the epoch, 0 where the feed does not say.
    """

    prefixes: tuple[Network, ...]
    dated: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """How a feed differs from the copy we have."""

    added: tuple[Network, ...]
    removed: tuple[Network, ...]
    kept: int

    @property
    def before(self) -> int:
        """How many prefixes there were."""
        return self.kept + len(self.removed)

    @property
    def after(self) -> int:
        """How many there are now."""
        return self.kept + len(self.added)

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed)


_WAIT: Final = "the copy at hand goes on; look at the source, and ask its operator if it stays so"


def read_feed(octets: bytes) -> Feed | FeedFault:
    """Read a feed in any of the known forms, or say why it cannot be taken."""
    if len(octets) > LONGEST:
        rule = f"A feed has at most {LONGEST >> 20} MB"
        return FeedFault("too-long", rule, f"this one has {len(octets):,} octets or more", _WAIT)
    try:
        text = octets.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        return _unreadable(f"it is not UTF-8 (octet {error.start})")
    dated = 0
    if text[:1] in {"{", "["}:
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return _unreadable(f"its JSON breaks off or is wrong at character {error.pos}")
        dated = _dated(document)
        entries = list(_entries(document, MOST + 1))
    elif text[:1] == "<":
        return _unreadable("it is a page for people, not a list")
    else:
        lines = (line.partition("#")[0].strip() for line in text.splitlines())
        entries = [line for line, _ in zip(filter(None, lines), range(MOST + 1), strict=False)]
    if not entries:
        rule = "A feed names at least one prefix"
        return FeedFault("no-prefixes", rule, "none was found in it", _WAIT)
    if len(entries) > MOST:
        return FeedFault("too-many", f"A feed has at most {MOST:,} entries", "this one has more", _WAIT)
    return _checked(entries, dated)


def change_of(known: Iterable[Network], feed: Feed) -> Change:
    """What *feed* adds to the *known* prefixes and takes from them."""
    before, after = frozenset(known), frozenset(feed.prefixes)
    return Change(
        tuple(sorted(after - before, key=_order)),
        tuple(sorted(before - after, key=_order)),
        len(before & after),
    )


def surprise(change: Change, feed: Feed, name: str) -> FeedFault | None:
    """Why *feed* may not replace the copy of list *name* without a person's word, or None."""
    step = f"compare the source with what the operator says, then `licet crawlers update --accept {name}`"
    before, after = change.before, change.after
    if before and after * 2 < before:
        rule = "A feed does not lose more than half of its entries at once"
        return FeedFault("shrunk", rule, f"{before} became {after}", step, arguable=True)
    if before and after * 2 > before * 3:
        rule = "A feed does not grow by more than half at once"
        return FeedFault("grown", rule, f"{before} became {after}", step, arguable=True)
    for version in (4, 6):
        most = 1 << ({4: 32, 6: 128}[version] - SHORTEST[version])
        covered = sum(prefix.num_addresses for prefix in feed.prefixes if prefix.version == version)
        if covered > most:
            rule = (
                f"All prefixes of a feed together cover no more than one /{SHORTEST[version]} of IPv{version}"
            )
            return FeedFault("covers", rule, f"these cover {covered / most:.1f} of them", step, arguable=True)
    return None


def _unreadable(fact: str) -> FeedFault:
    return FeedFault("unreadable", "A feed is JSON or one prefix a line", fact, _WAIT)


def _checked(entries: list[object], dated: int) -> Feed | FeedFault:
    prefixes: set[Network] = set()
    wrong: list[str] = []
    special: list[str] = []
    wide: list[str] = []
    for entry in entries:
        try:
            prefix = ip_network(entry.strip()) if isinstance(entry, str) else None
        except ValueError:
            prefix = None
        if prefix is None:
            wrong.append(_quoted(entry))
        elif prefix_fault(prefix) == "a public network":
            special.append(str(prefix))
        elif prefix_fault(prefix):
            wide.append(str(prefix))
        else:
            prefixes.add(prefix)
    for code, rule, found in (
        ("entry", "Every entry of a feed is a prefix such as 66.249.64.0/27", wrong),
        ("special", "No entry holds a private, reserved or documentation address", special),
        ("too-wide", f"No entry is shorter than /{SHORTEST[4]} of IPv4 or /{SHORTEST[6]} of IPv6", wide),
    ):
        if found:
            more = f" and {len(found) - _QUOTED} more" if len(found) > _QUOTED else ""
            return FeedFault(code, rule, ", ".join(found[:_QUOTED]) + more, _WAIT)
    return Feed(tuple(sorted(prefixes, key=_order)), dated)


def _entries(document: Any, most: int) -> Iterator[object]:
    """At most *most* entries of *document*; what is no prefix is given too, so that it is refused."""
    rows = document
    if isinstance(document, dict):
        rows = next((document[key] for key in _LIST_KEYS if isinstance(document.get(key), list)), ())
    for row, _ in zip(rows, range(most), strict=False):
        if not isinstance(row, dict):
            yield row
            continue
        named = [row[key] for key in _ROW_KEYS if key in row]
        yield from named or [row]


def _dated(document: Any) -> int:
    """The second that *document* says it was made at, or 0."""
    for key in _DATE_KEYS:
        text = document.get(key) if isinstance(document, dict) else None
        if isinstance(text, str):
            try:
                made = datetime.fromisoformat(text.strip()[:40])
                return max(0, int((made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()))
            except (ValueError, OverflowError):
                continue
    return 0


def _quoted(entry: object) -> str:
    text = entry if isinstance(entry, str) else f"a JSON {type(entry).__name__}"
    return ascii(text[:_QUOTE])


def _order(prefix: Network) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen
