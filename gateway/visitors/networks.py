"""The address lists that operators of crawlers publish, and how far to trust a copy.

Read from ``policies/networks/*.toml``; the file's name is the list's name. A
list proves its operator, not the purpose of the request. Being in one is
evidence; being absent is evidence only while the copy is fresh and complete,
and never in the neighborhood of a listed prefix (the same /16 of IPv4, /32 of
IPv6; ours), because that is where lists grow: a real crawler called forged
costs a creator more than a forged one left unproven.

A lookup parses the address once and makes one dict access per prefix length
in use. Every list that holds the address is found, since lists overlap.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway import bundled
from gateway.problems import ConfigurationError, Mistake

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: No operator publishes more at once; a shorter prefix is a poisoned feed.
SHORTEST = {4: 12, 6: 24}
_NEIGHBORHOOD = {4: 16, 6: 32}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class NetworkList:
    """One published list as it was on one day.

    Attributes:
        name: what catalog entries call it, such as ``openai-gptbot``.
        operator: who publishes it.
        source: the URL it is published at; *via* is the copy we took it from.
        checked_at: midnight UTC of the copy's day, seconds since the epoch.
        complete: whether the operator says that there is nothing else.
        max_age_days: how long absence from this copy may count against a claim.
        prefixes: the published prefixes, sorted.
        own: prefixes the operator of this gateway added.
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

    def is_fresh(self, at: int) -> bool:
        """Whether, at second *at*, absence from this copy still means something."""
        return at - self.checked_at <= self.max_age_days * _DAY


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
        self._index: dict[tuple[int, int], dict[int, tuple[str, ...]]] = {}
        self._near: dict[tuple[int, int], frozenset[str]] = {}
        for each in self.lists.values():
            for prefix in (*each.prefixes, *each.own):
                self._hold(each.name, prefix)
        self._lengths = {
            version: tuple(sorted(length for known, length in self._index if known == version))
            for version in (4, 6)
        }

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
    def shipped(cls) -> Networks:
        """The lists that come with this installation."""
        return cls.read(bundled.policies("networks"))

    def get(self, name: str) -> NetworkList | None:
        """The list of that name, or None."""
        return self.lists.get(name)

    def lists_of(self, address: str) -> tuple[str, ...]:
        """Names of every list that holds *address*, sorted; () for what is no address."""
        parsed = parse_address(address)
        if parsed is None:
            return ()
        value, width = int(parsed), parsed.max_prefixlen
        found: set[str] = set()
        for length in self._lengths[parsed.version]:
            found.update(self._index[parsed.version, length].get(value >> (width - length), ()))
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

    def _hold(self, name: str, prefix: Network) -> None:
        version, width, first = prefix.version, prefix.max_prefixlen, int(prefix.network_address)
        held = self._index.setdefault((version, prefix.prefixlen), {})
        key = first >> (width - prefix.prefixlen)
        held[key] = (*held.get(key, ()), name)
        if not prefix.is_global:
            return
        around = _NEIGHBORHOOD[version]
        last = int(prefix.broadcast_address)
        for block in range(first >> (width - around), (last >> (width - around)) + 1):
            self._near[version, block] = self._near.get((version, block), frozenset()) | {name}


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: str = Field(min_length=1)
    source: str = Field(pattern=r"^https://")
    checked: date
    via: str = ""
    complete: bool
    max_age_days: int = Field(ge=0, le=400)
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
        if not prefix.is_global or prefix.is_multicast or prefix.is_reserved:
            mistakes.append(Mistake(path.name, key, "a public network", text))
        elif prefix.prefixlen < SHORTEST[prefix.version]:
            mistakes.append(
                Mistake(path.name, key, f"a prefix of /{SHORTEST[prefix.version]} or longer", text)
            )
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
    )


def _parse_prefix(text: str, key: str, file: str, mistakes: list[Mistake]) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        mistakes.append(Mistake(file, key, "a prefix such as 192.0.2.0/24", text[:60]))
        return None
