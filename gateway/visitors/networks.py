"""The address lists that operators of crawlers publish, and how far to trust a copy.

Read from ``policies/networks/*.toml``; the file's name is the list's name. A
list proves its operator, not the purpose of the request. Being in one is
evidence; being absent is evidence only while the copy is fresh and complete,
and never in the neighborhood of a listed prefix (the same /16 of IPv4, /32 of
IPv6; ours), because that is where lists grow: a real crawler called forged
costs a creator more than a forged one left unproven.

A copy fetched from the operator (`visitors.fetched_lists`) takes the place of a
shipped one that is older. What only the older copy held still counts as a
neighborhood: a crawler may leave an address later than the list does.

A lookup is asked for every request, so it must cost a person nothing and keep
nothing about one: the first two octets (four of IPv6) say that no list is near,
or give the few prefix lengths to try. Nothing is remembered about an address.
Every list that holds it is found, since lists overlap.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway import bundled
from gateway.problems import ConfigurationError, Mistake

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: No operator publishes more at once; a shorter prefix is a poisoned feed.
SHORTEST = {4: 12, 6: 24}
_NEIGHBORHOOD = {4: 16, 6: 32}
_DAY = 86_400
#: Days for which absence from a fetched copy may count, unless its list says fewer.
LIVE_DAYS = 7
#: Nobody publishes an address in these: the special-purpose registries of IANA (RFC 6890), multicast, reserved.
_SPECIAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    "::/16", "64:ff9b::/32", "100::/16", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1",
)  # fmt: skip
#: How an IPv4 address stands in IPv6 (RFC 4291, February 2006, section 2.5.5.2).
_MAPPED = bytes(10) + b"\xff\xff"
#: For each prefix length of one block: how far to shift, and the lists by what is left.
_Block = tuple[tuple[int, dict[int, tuple[str, ...]]], ...]


@dataclass(frozen=True, slots=True)
class NetworkList:
    """One published list as it was on one day.

    Attributes:
        name: what catalog entries call it, such as ``openai-gptbot``.
        operator: who publishes it.
        source: the URL it is published at; *via* is the copy we took it from.
        checked_at: when the copy was taken, seconds since the epoch; of a
            shipped one midnight UTC of that day.
        complete: whether the operator says that there is nothing else.
        max_age_days: how long absence from this copy may count against a claim.
        prefixes: the published prefixes, sorted.
        own: prefixes the operator of this gateway added.
        live_days: what *max_age_days* becomes once the list is fetched.
        feed: whether *source* is for machines to read; a page is read by people.
        shared: whether others use these networks as well (a cloud's customers),
            or may by now, so that being listed alone names nobody.
        former: prefixes of the shipped copy that the fetched one lacks.
        fetched: whether this copy was fetched here, not shipped.
    """

    name: str
    operator: str
    source: str
    checked_at: int
    complete: bool
    max_age_days: int
    prefixes: tuple[Network, ...]
    via: str = ""
    own: tuple[Network, ...] = ()
    live_days: int = LIVE_DAYS
    feed: bool = True
    shared: bool = False
    former: tuple[Network, ...] = ()
    fetched: bool = False

    def is_fresh(self, at: int) -> bool:
        """Whether, at second *at*, absence from this copy still means something.

        Never of a copy that claims to be from the future by more than a day:
        one of the two clocks is wrong.
        """
        return -_DAY <= at - self.checked_at <= self.max_age_days * _DAY

    def age_days(self, at: int) -> int:
        """Whole days since the copy was taken, at second *at*; 0 for one from the future."""
        return max(0, at - self.checked_at) // _DAY

    def renewed(self, copy: FetchedCopy) -> NetworkList:
        """The list as *copy* has it, or itself where *copy* is no newer."""
        if copy.fetched_at <= self.checked_at:
            return self
        held = set(copy.prefixes)
        return replace(
            self,
            checked_at=copy.fetched_at,
            max_age_days=self.live_days,
            prefixes=copy.prefixes,
            former=tuple(prefix for prefix in (*self.prefixes, *self.former) if prefix not in held),
            via="",
            fetched=True,
        )


@dataclass(frozen=True, slots=True)
class FetchedCopy:
    """A list as its operator published it at second *fetched_at*; *etag* is the validator it came with."""

    name: str
    fetched_at: int
    prefixes: tuple[Network, ...]
    etag: str = ""


def parse_address(text: str) -> Address | None:
    """Return the address, an IPv4-mapped one as IPv4, or None. No raise on any text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class Networks:
    """All lists, indexed for one question: which of them hold this address?"""

    def __init__(self, lists: Iterable[NetworkList]) -> None:
        """Index *lists*; names are unique."""
        self.lists: Mapping[str, NetworkList] = {each.name: each for each in lists}
        self._blocks: dict[bytes, _Block] = {}
        self._near: dict[tuple[int, int], frozenset[str]] = {}
        self._wide: tuple[tuple[Network, str], ...] = ()
        found: dict[bytes, dict[int, dict[int, tuple[str, ...]]]] = {}
        for each in self.lists.values():
            for prefix in (*each.prefixes, *each.own):
                self._hold(each.name, prefix, found)
            for prefix in (*each.prefixes, *each.own, *each.former):
                self._surround(each.name, prefix)
        for block, tables in found.items():
            self._blocks[block] = tuple(sorted(tables.items(), key=lambda table: table[0]))

    @classmethod
    def read(cls, folder: Path) -> Networks:
        """Read every ``*.toml`` of *folder*.

        Raises:
            ConfigurationError: with every mistake, among them prefixes that no
                operator publishes: private, reserved, or shorter than `SHORTEST`.
        """
        mistakes: list[Mistake] = []
        paths = sorted(folder.glob("*.toml"))
        if not paths:
            mistakes.append(
                Mistake(str(folder), "", "a folder with files such as googlebot.toml is needed here")
            )
        lists = [read for path in paths if (read := _read_list(path, mistakes)) is not None]
        if mistakes:
            raise ConfigurationError(mistakes)
        return cls(lists)

    @classmethod
    @cache
    def shipped(cls) -> Networks:
        """The lists that come with this installation; read once, and the same for everybody who asks."""
        return cls.read(bundled.policies("networks"))

    def get(self, name: str) -> NetworkList | None:
        """The list of that name, or None."""
        return self.lists.get(name)

    def lists_of(self, address: str) -> tuple[str, ...]:
        """Names of every list that holds *address*, sorted; () for what is no address."""
        try:
            packed = inet_pton(AF_INET6, address) if ":" in address else inet_pton(AF_INET, address)
        except (OSError, ValueError):
            return ()
        if len(packed) == 4:
            tables = self._blocks.get(packed[:2])
        elif packed[:12] == _MAPPED:
            packed = packed[12:]
            tables = self._blocks.get(packed[:2])
        else:
            tables = self._blocks.get(packed[:4])
        if tables is None and not self._wide:
            return ()
        return self._listed(packed, tables or ())

    def _listed(self, packed: bytes, tables: _Block) -> tuple[str, ...]:
        value = int.from_bytes(packed, "big")
        found: set[str] = set()
        for shift, held in tables:
            found.update(held.get(value >> shift, ()))
        for prefix, name in self._wide:
            width = prefix.max_prefixlen
            shift = width - prefix.prefixlen
            if len(packed) * 8 == width and value >> shift == int(prefix.network_address) >> shift:
                found.add(name)
        return tuple(sorted(found))

    def is_near(self, name: str, address: str) -> bool:
        """Whether *address* lies in the neighborhood of a published prefix of list *name*."""
        parsed = parse_address(address)
        if parsed is None:
            return False
        shift = parsed.max_prefixlen - _NEIGHBORHOOD[parsed.version]
        return name in self._near.get((parsed.version, int(parsed) >> shift), ())

    def with_prefixes(self, list_name: str, prefixes: Sequence[str]) -> Networks:
        """Return these networks with the operator's own *prefixes* in one list.

        Private and loopback prefixes are welcome here: they are the operator's
        word about the operator's own network.

        Raises:
            ConfigurationError: no such list, or a text that is no prefix.
        """
        known = self.lists.get(list_name)
        mistakes: list[Mistake] = []
        if known is None:
            mistakes.append(
                Mistake("networks", list_name, f"one of {', '.join(sorted(self.lists))}", list_name)
            )
        own = [
            parsed for text in prefixes if (parsed := _parse_prefix(text, list_name, "networks", mistakes))
        ]
        if known is None or mistakes:
            raise ConfigurationError(mistakes)
        changed = replace(known, own=(*known.own, *own))
        return Networks(changed if each.name == list_name else each for each in self.lists.values())

    def with_copies(self, copies: Iterable[FetchedCopy]) -> Networks:
        """Return these networks with fetched *copies* where they are newer; copies of unknown lists are left out."""
        newer = {copy.name: copy for copy in copies if copy.name in self.lists}
        if not newer:
            return self
        return Networks(
            each.renewed(newer[each.name]) if each.name in newer else each for each in self.lists.values()
        )

    def _hold(
        self, name: str, prefix: Network, found: dict[bytes, dict[int, dict[int, tuple[str, ...]]]]
    ) -> None:
        around = _NEIGHBORHOOD[prefix.version]
        if prefix.prefixlen < SHORTEST[prefix.version]:
            self._wide = (*self._wide, (prefix, name))
            return
        shift = prefix.max_prefixlen - prefix.prefixlen
        key = int(prefix.network_address) >> shift
        for block in _blocks_of(prefix):
            held = found.setdefault(block.to_bytes(around // 8, "big"), {}).setdefault(shift, {})
            held[key] = (*held.get(key, ()), name)

    def _surround(self, name: str, prefix: Network) -> None:
        if not prefix.is_global or prefix.prefixlen < SHORTEST[prefix.version]:
            return
        for block in _blocks_of(prefix):
            known = self._near.get((prefix.version, block), frozenset())
            self._near[prefix.version, block] = known | {name}


def _blocks_of(prefix: Network) -> range:
    """The neighborhoods that *prefix* lies in or covers, as numbers."""
    shift = prefix.max_prefixlen - _NEIGHBORHOOD[prefix.version]
    return range(int(prefix.network_address) >> shift, (int(prefix.broadcast_address) >> shift) + 1)


def _span(prefix: Network) -> tuple[int, int]:
    return int(prefix.network_address), int(prefix.broadcast_address)


_NEVER = {
    version: tuple(_span(prefix) for prefix in map(ip_network, _SPECIAL) if prefix.version == version)
    for version in (4, 6)
}


def prefix_fault(prefix: Network) -> str:
    """Why no operator of a crawler publishes *prefix*, or "": what would have been right.

    A prefix is refused for any special address in it, not only if all are.

    >>> prefix_fault(ip_network("192.160.0.0/12"))
    'a public network'
    >>> prefix_fault(ip_network("66.249.64.0/19"))
    ''
    """
    first, last = _span(prefix)
    if any(start <= last and first <= end for start, end in _NEVER[prefix.version]):
        return "a public network"
    if prefix.prefixlen < SHORTEST[prefix.version]:
        return f"a prefix of /{SHORTEST[prefix.version]} or longer"
    return ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: str = Field(min_length=1)
    source: str = Field(pattern=r"^https://")
    checked: date
    via: str = ""
    complete: bool
    max_age_days: int = Field(ge=0, le=400)
    live_days: int = Field(default=LIVE_DAYS, ge=1, le=LIVE_DAYS)
    feed: bool = True
    shared: bool = False
    prefixes: tuple[str, ...] = Field(min_length=1)


def _read_list(path: Path, mistakes: list[Mistake]) -> NetworkList | None:
    try:
        read = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        mistakes.append(Mistake(path.name, "", f"a TOML file in UTF-8 ({error})"))
        return None
    except ValidationError as error:
        mistakes.extend(
            Mistake(path.name, ".".join(str(part) for part in found["loc"]), found["msg"])
            for found in error.errors(include_url=False)
        )
        return None
    prefixes: list[Network] = []
    for index, text in enumerate(read.prefixes):
        key = f"prefixes[{index}]"
        prefix = _parse_prefix(text, key, path.name, mistakes)
        if prefix is None:
            continue
        if fault := prefix_fault(prefix):
            mistakes.append(Mistake(path.name, key, fault, text))
        prefixes.append(prefix)
    return NetworkList(
        name=path.stem,
        operator=read.operator,
        source=read.source,
        checked_at=int(
            datetime(read.checked.year, read.checked.month, read.checked.day, tzinfo=UTC).timestamp()
        ),
        complete=read.complete,
        max_age_days=read.max_age_days,
        prefixes=tuple(prefixes),
        via=read.via,
        live_days=read.live_days,
        feed=read.feed,
        shared=read.shared,
    )


def _parse_prefix(text: str, key: str, file: str, mistakes: list[Mistake]) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        mistakes.append(Mistake(file, key, "a prefix such as 192.0.2.0/24", text[:60]))
        return None
