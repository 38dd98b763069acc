"""Whom nothing is held against although something speaks of a machine: the file ``people.toml`` of a data folder. Pure.

A creator who learns that somebody was taken for a machine exempts the reason,
for everybody, or the network of who told so. Each line is a decision with its
day and the report that it came of; taking the line out takes it back::

    [[exempt]]
    reason = "no_accept_language"     # or: network = "203.0.113.0/24"
    since  = 2026-11-26T09:30:00Z
    report = "pr_0190…"

Only what speaks against a browser can be exempted (`EXEMPTABLE`). A crawler that
names itself, a program that says that it is one, a signature and a token are
judged as ever, wherever they come from: an exemption opens nothing to them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from gateway.problems import ConfigurationError, Mistake
from gateway.visitors.networks import parse_address

#: What the file is called.
FILE: Final = "people.toml"
#: The code of a browser in a crawler operator's network.
UNDECLARED: Final = "ip_operator_undeclared"
#: Reasons that a browser can have against it by no fault of who sits before it.
EXEMPTABLE: Final = frozenset(
    {
        UNDECLARED, "ua_bot_word", "ua_ai_word", "ua_contact_in_comment", "ua_user_token", "ua_appended_name",
        "ua_compatible_token", "no_fetch_metadata", "no_accept", "no_accept_language", "accept_without_html",
        "accept_sxg_q_stale", "no_upgrade_insecure_requests", "no_ch_ua", "ch_ua_on_non_chromium",
        "ch_ua_major_mismatch", "ch_ua_grease_wrong", "ch_ua_order_wrong", "ch_platform_mismatch",
        "ch_mobile_mismatch", "header_order",
    }
)  # fmt: skip
_WIDEST: Final = {4: 16, 6: 32}
_LINES: Final = 1000
_KEYS: Final = frozenset({"reason", "network", "since", "report"})


@dataclass(frozen=True, slots=True)
class Exemptions:
    """Reasons that count for nobody, and networks in which none of `EXEMPTABLE` counts."""

    reasons: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.reasons or self.networks)

    def of(self, address: str) -> frozenset[str]:
        """The codes that do not count for *address*."""
        if self.networks:
            found = parse_address(address)
            if found is not None and any(found in each for each in self.networks):
                return EXEMPTABLE
        return self.reasons


NOBODY: Final = Exemptions()


def read_exemptions(text: str, place: str) -> Exemptions:
    """Read the file; raises `ConfigurationError` with every mistake, *place* being its name."""
    try:
        rows = tomlkit.parse(text).unwrap().get("exempt", [])
    except TOMLKitError as error:
        raise ConfigurationError([Mistake(place, "", f"is no TOML: {error}")]) from None
    if not isinstance(rows, list) or len(rows) > _LINES:
        raise ConfigurationError([Mistake(place, "exempt", f"must be at most {_LINES} tables [[exempt]]")])
    mistakes: list[Mistake] = []
    reasons, networks = set[str](), list[IPv4Network | IPv6Network]()
    for nth, row in enumerate(rows):
        read = _row(row) if isinstance(row, Mapping) else "must be a table"
        if isinstance(read, IPv4Network | IPv6Network):
            networks.append(read)
        elif read in EXEMPTABLE:
            reasons.add(read)
        else:
            mistakes.append(Mistake(place, f"exempt[{nth}]", read))
    if mistakes:
        raise ConfigurationError(mistakes)
    return Exemptions(frozenset(reasons), tuple(networks))


def _row(row: Mapping[str, Any]) -> IPv4Network | IPv6Network | str:
    """The network or the code of a table, or what is wrong with it."""
    unknown = sorted(row.keys() - _KEYS)
    if unknown:
        return f"has the unknown key {unknown[0]}"
    if ("reason" in row) is ("network" in row):
        return "must have either a reason or a network"
    if "reason" in row:
        known = isinstance(row["reason"], str) and row["reason"] in EXEMPTABLE
        return str(row["reason"]) if known else f"must name one of {', '.join(sorted(EXEMPTABLE))}"
    try:
        network = ip_network(str(row["network"]))
    except ValueError:
        return "must name a network such as 203.0.113.0/24"
    wide = network.prefixlen < _WIDEST[network.version]
    return f"must be no wider than /{_WIDEST[network.version]}" if wide else network


def with_exempt(text: str, exempted: str, at: int, report: str) -> str:
    """*text* with another line: *exempted* is ``reason:CODE`` or ``network:CIDR``, *at* whole seconds.

    Comments stay. What is exempted already is left as it stands.
    """
    kind, _, value = exempted.partition(":")
    document = tomlkit.parse(text)
    rows = document.get("exempt")
    if rows is None:
        rows = document["exempt"] = tomlkit.aot()
    if any(row.get(kind) == value for row in rows):
        return text
    row = tomlkit.table()
    row[kind] = value
    row["since"] = datetime.fromtimestamp(at, UTC)
    row["report"] = report
    rows.append(row)
    return tomlkit.dumps(document)


def without_exempt(text: str, exempted: str) -> str:
    """*text* without the lines that exempt *exempted*."""
    kind, _, value = exempted.partition(":")
    document = tomlkit.parse(text)
    rows = document.get("exempt", [])
    for nth in range(len(rows) - 1, -1, -1):
        if rows[nth].get(kind) == value:
            del rows[nth]
    if not rows and "exempt" in document:
        del document["exempt"]
    return tomlkit.dumps(document)


def exemptable(reasons: Collection[str]) -> tuple[str, ...]:
    """Which codes of *reasons* can be exempted, in their order."""
    return tuple(dict.fromkeys(code for each in reasons if (code := each.partition(":")[0]) in EXEMPTABLE))
