"""Where an address is on the network: country and autonomous system, from an operator's MMDB files.

A network location is probable and no more: a request comes from where its
sender's servers are, which says nothing about where a model is trained or used.
So every country carries its basis, and a record shows it:

=========================== ==================================================
basis                       the country is
=========================== ==================================================
header                      a trusted proxy's word (`visitors.client_address`)
mmdb:NAME@YYYY-MM-DD        what the file NAME, built on that day, says
""                          not known, or not asked for
=========================== ==================================================

Any layout is read in which a record names a country or a system in one of the
usual ways (GeoLite2 and DB-IP: ``country.iso_code``; IPinfo: ``country_code`` or
``country``, ``asn`` as ``AS64496``; ip-location-db: ``country_code`` and
``autonomous_system_number``). The country where a block is registered is not
where it is used, and is not read.

No file comes with this installation. Looked for on 2026-11-25, the one list in
the public domain that a package registry still carries (``geo-whois-asn-country``
of ip-location-db, built on 2026-06-17) is declared wrong by its own publisher,
is no longer renewed there, and holds registry statistics that ask for credit.
Nobody is refused by that; an operator's own file is `[trust] country_database`.

A file is read into memory whole, so that one that is overwritten in place harms
nothing, and it is tried at the start: what cannot be read is refused then. An
old file is used, and its day stands in every record. Answers are remembered by
address, within a bound. `place_of` raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import maxminddb

from gateway.problems import ConfigurationError, Mistake
from gateway.visitors.networks import Address, parse_address

#: Addresses remembered for each file; a stranger can ask from any number.
_REMEMBERED: Final = 8192
#: Codes that databases use and that name no country: none known, "Europe", "Asia/Pacific", a proxy.
_NO_COUNTRY: Final = frozenset({"XX", "ZZ", "EU", "AP"})
_CODE: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_ASN: Final = re.compile(r"(?:AS)?([0-9]{1,10})", re.ASCII)
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
#: Days after which a file is called old when it is taken up.
OLD_DAYS: Final = 90
_DAY: Final = 86_400

_T = TypeVar("_T")


class Place(NamedTuple):
    """A country by ISO 3166-1 alpha-2, and how it is known; both "" where it is not."""

    country: str = ""
    basis: str = ""


NOWHERE: Final = Place()


@dataclass(frozen=True, slots=True)
class Edition:
    """Which file answers. *name* is its type as it says itself, *built_at* in seconds since the epoch."""

    name: str
    built_at: int

    @property
    def basis(self) -> str:
        """How a country from this file is known, as records say it."""
        return f"mmdb:{self.name}@{datetime.fromtimestamp(self.built_at, UTC).date().isoformat()}"

    def age_days(self, now: int) -> int:
        """Whole days from the build to second *now*."""
        return max(0, now - self.built_at) // _DAY


class LocationFile:
    """One MMDB file in memory. *edition* says which."""

    def __init__(self, path: Path, key: str) -> None:
        """Read and try *path*, which the setting *key* names.

        Raises:
            ConfigurationError: it cannot be read, is cut or broken, or no record
                of it names what *key* is for.
        """
        wanted = asn_in if key.startswith("asn") else country_in
        try:
            with path.open("rb") as file:
                self._reader = maxminddb.open_database(file, maxminddb.MODE_FD)
            described = self._reader.metadata()
            named = _NAME.sub("-", described.database_type)[:48].strip("-")
            self.edition = Edition(named or "unnamed", int(described.build_epoch))
            told = sum(bool(wanted(record)) for record in self._spread(described.ip_version))
            self.edition.basis  # noqa: B018 - a build time beyond the calendar is a broken file
        except OSError as error:
            raise _mistaken(key, f"a file that can be read ({error.strerror or error})", path) from None
        except Exception as error:  # noqa: BLE001 - a broken file breaks its reader in any way
            raise _mistaken(key, f"a whole MMDB file ({_first_line(error)})", path) from None
        if not told:
            what = "an autonomous system" if wanted is asn_in else "a country"
            raise _mistaken(key, f"an MMDB file whose records name {what}", path)

    def record_of(self, address: Address) -> object:
        """The record of *address*, or None where there is none or it cannot be read."""
        try:
            return self._reader.get(address)
        except Exception:  # noqa: BLE001 - an IPv6 address in a file of IPv4, a broken branch
            return None

    def _spread(self, version: int) -> Iterator[object]:
        """Records from all over the file, so that a cut or broken one is seen at the start; raises what it finds."""
        for first in range(1, 224):
            for rest in (0x08_08_08, 0x40_01_01, 0xC0_80_01):
                yield self._reader.get(IPv4Address((first << 24) | rest))
        if version == 6:
            for block in range(0x2001, 0x2C10, 64):
                for rest in (0x0200, 0x4860, 0x0DA8):
                    yield self._reader.get(IPv6Address(((block << 16) | rest) << 96))
        for _, record in islice(self._reader, 512):
            yield record


class Locations:
    """The files of one process, and what they said of the addresses asked for last."""

    def __init__(self, country: Path | None = None, asn: Path | None = None) -> None:
        """Read both files; None is no file.

        Raises:
            ConfigurationError: with every mistake of both.
        """
        self._paths = {"country_database": country, "asn_database": asn}
        self._files: dict[str, LocationFile] = {}
        self._stamps: dict[str, tuple[int, int]] = {}
        self._places: dict[str, Place] = {}
        self._systems: dict[str, int] = {}
        mistakes = [mistake for key in self._paths for mistake in self._take_up(key)]
        if mistakes:
            raise ConfigurationError(mistakes)

    @property
    def editions(self) -> Mapping[str, Edition]:
        """Which files answer, by their setting."""
        return {key: each.edition for key, each in self._files.items()}

    def place_of(self, address: str) -> Place:
        """Where *address* is; `NOWHERE` without a file, and for what no record names."""
        file = self._files.get("country_database")
        if file is None:
            return NOWHERE
        place = self._places.get(address)
        if place is None:
            country = _told(file, address, country_in)
            place = Place(country, file.edition.basis) if country else NOWHERE
            _remember(self._places, address, place)
        return place

    def asn_of(self, address: str) -> int:
        """The number of the autonomous system that announces *address*, or 0."""
        file = self._files.get("asn_database")
        if file is None:
            return 0
        number = self._systems.get(address)
        if number is None:
            number = _told(file, address, asn_in) or 0
            _remember(self._systems, address, number)
        return number

    def refresh(self) -> tuple[str, ...] | None:
        """Read what changed on the disk again, keeping the last good file for each.

        Returns:
            Every mistake, or None where nothing changed.
        """
        changed = [key for key, path in self._paths.items() if path and _stamp(path) != self._stamps.get(key)]
        if not changed:
            return None
        found = tuple(str(mistake) for key in changed for mistake in self._take_up(key))
        self._places.clear()
        self._systems.clear()
        return found

    def _take_up(self, key: str) -> tuple[Mistake, ...]:
        path = self._paths[key]
        if path is None:
            return ()
        self._stamps[key] = _stamp(path)
        try:
            self._files[key] = LocationFile(path, key)
        except ConfigurationError as error:
            return tuple(error.mistakes)
        return ()


def country_in(record: object) -> str:
    """The country that *record* of any layout names, or "".

    >>> country_in({"country": {"iso_code": "DE"}}), country_in({"country": "Germany", "country_code": "DE"})
    ('DE', 'DE')
    """
    if isinstance(record, str):
        return _code(record)
    if not isinstance(record, Mapping):
        return ""
    for key in ("country_code", "country", "country_iso_code", "iso_code"):
        value: Any = record.get(key)
        if isinstance(value, Mapping):
            value = value.get("iso_code") or value.get("code")
        if code := _code(value):
            return code
    return ""


def asn_in(record: object) -> int:
    """The number of the autonomous system that *record* of any layout names, or 0.

    >>> asn_in({"asn": "AS64496"}), asn_in({"autonomous_system_number": 64496})
    (64496, 64496)
    """
    if not isinstance(record, Mapping):
        return 0
    for key in ("autonomous_system_number", "asn", "as_number"):
        value: Any = record.get(key)
        if isinstance(value, Mapping):
            value = value.get("asn") or value.get("number")
        found = _ASN.fullmatch(str(value)) if isinstance(value, int | str) else None
        if found and 0 < int(found[1]) < 2**32:
            return int(found[1])
    return 0


def _code(value: object) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) and value not in _NO_COUNTRY else ""


def _told(file: LocationFile, address: str, read: Callable[[object], _T]) -> _T | None:
    parsed = parse_address(address)
    return None if parsed is None else read(file.record_of(parsed))


def _remember(held: dict[str, _T], address: str, value: _T) -> None:
    if len(held) >= _REMEMBERED:
        held.clear()
    held[address] = value


def _stamp(path: Path) -> tuple[int, int]:
    try:
        seen = path.stat()
    except OSError:
        return -1, -1
    return seen.st_mtime_ns, seen.st_size


def _mistaken(key: str, expected: str, path: Path) -> ConfigurationError:
    return ConfigurationError([Mistake("licet.toml", f"trust.{key}", expected, str(path))])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
