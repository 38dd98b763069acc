"""License terms read back from the JSON that `LicenseTerms.as_json` writes. Pure.

The terms hash says whether what was read is what was meant: whoever reads terms
that somebody else wrote judges, and agrees to, what was read and its hash.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Basis, LicenseTerms, Territory


class UnreadableTerms(ValueError):
    """What was given is not the JSON of license terms, or not of that hash; the sentence says which."""


def terms_of(plain: object, terms_hash: str) -> LicenseTerms:
    """The terms of that JSON, decoded; raises `UnreadableTerms`, and nothing else on any JSON."""
    if not isinstance(plain, dict):
        raise UnreadableTerms("the terms are no object")
    try:
        given = dict(plain)
        basis = Basis(given.pop("territory_basis", Basis.FETCH))
        terms: LicenseTerms = _read(LicenseTerms, given)
        if basis is not Basis.FETCH:
            terms = replace(terms, territory=replace(terms.territory, basis=basis))
        found = terms.hash
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise UnreadableTerms(f"the terms {terms_hash} cannot be read") from error
    if found != terms_hash:
        raise UnreadableTerms(f"the terms are not those of {terms_hash}")
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
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _read(hints[name], value) for name, value in plain.items()})
    return kind(plain)


@lru_cache(maxsize=64)
def _hints(kind: Any) -> Mapping[str, Any]:
    found = get_type_hints(kind)
    return {field.name: found[field.name] for field in fields(kind)}
