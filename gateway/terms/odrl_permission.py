"""What an ODRL permission is about: levers 1 and 2, term and territory, written and read.

ODRL 2.2 (W3C Recommendations, 2018-02-15), sections 2.2.3, 2.5 and 2.6 of the
Information Model. A term is ``elapsedTime``; a territory is ``spatial``, whose
right side must be IRIs, with ``licet:basis`` for what has to be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.paths import PathScope
from gateway.terms.license_terms import WORLDWIDE, Basis, Purpose, Scope, Territory
from gateway.terms.odrl_duties import OdrlUnread, Stated, listed, read_constraint
from gateway.terms.odrl_words import ACTIONS, constraint, places, region_of, short, typed
from gateway.terms.payment_required import plain

#: Rights besides the uses: the field of `Purpose`, and the action.
_RIGHTS: Final[Mapping[str, str]] = {
    "redistribution": "distribute",
    "sublicensing": "grantUse",
    "resale": "sell",
    "internal_research": "licet:internal-research",
    "evaluation": "licet:evaluate",
}
_RELEASES: Final = ("licet:release-closed-weights", "licet:release-open-weights")
_RELEASED: Final = {"none": 0, "closed": 1, "open": 2}


# Writing


def target_of(origin: str, scope: Scope) -> dict[str, object]:
    """The works of *scope* as an asset collection of the site at *origin*."""
    told = [
        ("licet:path", "isAnyOf", [path.pattern for path in scope.paths]),
        ("licet:path", "isNoneOf", [path.pattern for path in scope.excluded]),
        ("licet:rendition", "isAnyOf", [plain(name) for name in scope.renditions]),
        ("licet:work", "isAnyOf", [plain(name) for name in scope.works]),
    ]
    return {
        "@type": "AssetCollection",
        "source": f"{origin}/",
        "refinement": [constraint(left, operator, right) for left, operator, right in told if right],
    }


def actions_of(purpose: Purpose) -> tuple[list[str], list[str]]:
    """The actions permitted and those prohibited."""
    granted = [f"licet:{use}" for use in sorted(purpose.uses)]
    withheld: list[str] = []
    for name, action in _RIGHTS.items():
        (granted if getattr(purpose, name) else withheld).append(action)
    released = _RELEASED.get(purpose.model_release, 0)
    return [*granted, *_RELEASES[:released]], [*withheld, *_RELEASES[released:]]


def where(territory: Territory) -> list[dict[str, object]]:
    """The constraint that *territory* is; none for the whole world."""
    if territory.regions is None:
        return []
    return [
        {
            **constraint("spatial", "isAnyOf", places(territory.regions)),
            "licet:basis": str(territory.basis),
        }
    ]


def moment(seconds: int) -> dict[str, str]:
    """Whole *seconds* since 1970 as a date and time, in UTC."""
    return typed(datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "dateTime")


# Reading


@dataclass(slots=True)
class Limits:
    """What the constraints of a permission say."""

    months: int = 0
    territory: Territory = WORLDWIDE
    count: int = 0
    starts_at: int = 0
    ends_at: int = 0


def read_limits(value: object) -> Limits:
    """Read the constraints of a permission, or raise `OdrlUnread`."""
    found = Limits()
    for each in listed(value):
        stated = read_constraint(each)
        if (stated.left, stated.operator) == ("spatial", "isAnyOf"):
            basis = Basis(each.get("licet:basis", "")) if isinstance(each, dict) else Basis.FETCH
            regions = frozenset(filter(None, map(region_of, stated.right)))
            found.territory = Territory(regions, basis)
            continue
        _read_limit(stated, found)
    if not found.months:
        raise OdrlUnread("it does not say for how long")
    return found


def _read_limit(stated: Stated, found: Limits) -> None:
    (value,) = stated.right
    match stated.left, stated.operator:
        case "elapsedTime", "lteq":
            months = re.fullmatch(r"P([1-9][0-9]{0,5})M", value, re.ASCII)
            found.months = int(months[1]) if months else 0
        case "count", "lteq":
            found.count = int(value)
            if found.count < 1:
                raise OdrlUnread("a count is at least one")
        case "dateTime", "gteq":
            found.starts_at = _seconds(value)
        case "dateTime", "lt":
            found.ends_at = _seconds(value)
        case left, operator:
            raise OdrlUnread(f"we do not know the constraint {left[:64]} {operator[:16]}")


def _seconds(value: str) -> int:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise OdrlUnread("a date does not say in which time zone it is")
    return int(at.timestamp())


def read_scope(value: object) -> Scope:
    """Read a target, or raise."""
    if not isinstance(value, dict):
        raise OdrlUnread("its target is not spelled out")
    told: dict[tuple[str, str], tuple[str, ...]] = {}
    for each in listed(value.get("refinement")):
        stated = read_constraint(each)
        if (stated.left, stated.operator) in told:
            raise OdrlUnread("its target says one thing twice")
        told[stated.left, stated.operator] = stated.right
    scope = Scope(
        works=told.pop(("licet:work", "isAnyOf"), ()),
        paths=tuple(map(PathScope, told.pop(("licet:path", "isAnyOf"), ()))),
        renditions=told.pop(("licet:rendition", "isAnyOf"), ()),
        excluded=tuple(map(PathScope, told.pop(("licet:path", "isNoneOf"), ()))),
    )
    if told:
        raise OdrlUnread("its target is narrowed by something we do not know")
    return scope


def read_purpose(permission: Mapping[str, object], prohibitions: object) -> Purpose:
    """What is permitted and not prohibited; a word we do not know grants nothing."""
    granted = {short(each) for each in listed(permission.get("action"))}
    for each in listed(prohibitions):
        if not isinstance(each, dict):
            raise OdrlUnread("a prohibition is not spelled out")
        granted -= {short(action) for action in listed(each.get("action"))}
    released = sum(action in granted for action in _RELEASES)
    return Purpose(
        uses=frozenset(ACTIONS[action] for action in granted if action in ACTIONS),
        model_release=("none", "closed", "open")[released] if _RELEASES[0] in granted else "none",
        redistribution="distribute" in granted,
        sublicensing="grantUse" in granted,
        resale="sell" in granted,
        internal_research=_RIGHTS["internal_research"] in granted,
        evaluation=_RIGHTS["evaluation"] in granted,
    )
