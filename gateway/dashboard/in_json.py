"""What a page is drawn from, as JSON for programs: values as they are, and nothing that only a template needs.

Amounts are exact decimals with their currency. What is secret has no place in
it: hashes and secrets never, floors for those alone who may see them, and of a
client's address nothing that the page itself does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from markupsafe import Markup

from gateway.licenses.position import Position
from gateway.money import Money

#: Members that no program is told, whatever they belong to.
_SECRET: Final = frozenset({"password", "secret_sha256", "link_sha256", "form", "sign_out_form", "metadata"})
#: Members that hold a creator's own position.
_FLOORS: Final = frozenset({"limits", "below", "position", "base"})
#: What only draws: charts, words beside words.
_DRAWN: Final = frozenset(
    {
        "chart",
        "plots",
        "MEANINGS",
        "PERIODS",
        "endings",
        "FACETS",
        "COLUMNS",
        "SORTS",
        "NUMBERS",
        "kept",
        "WORDS",
    }
)
_DEEPEST: Final = 12


class _Left(Exception):
    """A value that has no JSON."""


def in_json(context: Mapping[str, object], *, floors: bool) -> dict[str, Any]:
    """*context* as a JSON object; with *floors* the creator's position is in it."""
    hidden = _SECRET | _DRAWN | (frozenset() if floors else _FLOORS)
    return _members(context.items(), hidden, 0)


def _members(pairs: Iterable[tuple[object, object]], hidden: frozenset[str], depth: int) -> dict[str, Any]:
    found = {}
    for key, value in pairs:
        name = str(key.value) if isinstance(key, Enum) else str(key)
        if name in hidden or name.startswith("_"):
            continue
        try:
            found[name] = _value(value, hidden, depth + 1)
        except _Left:
            continue
    return found


def _value(value: object, hidden: frozenset[str], depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int):
        # Beyond this not every reader of JSON keeps a number exact.
        return value if -(2**53) < value < 2**53 else str(value)
    if isinstance(value, float):
        return value
    if isinstance(value, Markup | type) or callable(value) or depth > _DEEPEST:
        raise _Left
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Position) and "position" in hidden:
        raise _Left
    if isinstance(value, Mapping):
        return _members(value.items(), hidden, depth)
    if is_dataclass(value):
        return _members(((each.name, getattr(value, each.name)) for each in fields(value)), hidden, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _rows(sorted(value, key=str) if isinstance(value, set | frozenset) else value, hidden, depth)
    raise _Left


def _rows(values: Iterable[object], hidden: frozenset[str], depth: int) -> list[Any]:
    found = []
    for each in values:
        try:
            found.append(_value(each, hidden, depth + 1))
        except _Left:
            continue
    return found
