"""License terms read back from the JSON that `LicenseTerms.as_json` writes.

Only what we wrote ourselves is read, and the terms hash says whether it still
is what was agreed.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson

from gateway.canonical import canonical_bytes
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import StoreUnavailable
from gateway.terms.license_terms import Basis, LicenseTerms, Territory


def write_terms(terms: LicenseTerms) -> str:
    """The canonical JSON of *terms*."""
    return canonical_bytes(terms.as_json()).decode()


def read_terms(text: str, terms_hash: str) -> LicenseTerms:
    """The terms of that JSON; `StoreUnavailable` if they are not those of *terms_hash*."""
    try:
        plain = orjson.loads(text)
        basis = Basis(plain.pop("territory_basis", Basis.FETCH))
        terms: LicenseTerms = _read(LicenseTerms, plain)
        if basis is not Basis.FETCH:
            terms = replace(terms, territory=replace(terms.territory, basis=basis))
        found = terms.hash
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise StoreUnavailable(f"the terms {terms_hash} in the store cannot be read") from error
    if found != terms_hash:
        raise StoreUnavailable(f"the terms in the store are not those of {terms_hash}")
    return terms


def _read(kind: Any, plain: Any) -> Any:
    if get_origin(kind) in {Union, types.UnionType}:
        rest = [each for each in get_args(kind) if each is not type(None)]
        return None if plain is None else _read(rest[0], plain)
    if kind is Territory:
        return Territory(None if plain is None else frozenset(plain))
    if kind is PathScope:
        return PathScope(plain)
    if kind is Money:
        return Money(plain["micros"], plain["currency"])
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], item) for item in plain)
    if get_origin(kind) is frozenset:
        return frozenset(_read(get_args(kind)[0], item) for item in plain)
    if is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _read(hints[name], value) for name, value in plain.items()})  # type: ignore[operator]
    return kind(plain)


def _hints(kind: Any) -> Mapping[str, Any]:
    found = get_type_hints(kind)
    return {field.name: found[field.name] for field in fields(kind)}
