"""Objections as the store writes them down: JSON of our own making, read back to the same value."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter, ValidationError

from gateway.licenses.objection import Objection
from gateway.problems import StoreUnavailable

_OBJECTION: Final = TypeAdapter(Objection)


def write_objection(objection: Objection) -> str:
    """*objection* as JSON."""
    return _OBJECTION.dump_json(objection).decode()


def read_objection(text: str) -> Objection:
    """What `write_objection` wrote; anything else is `StoreUnavailable`."""
    try:
        return _OBJECTION.validate_json(text)
    except ValidationError as error:
        raise StoreUnavailable("an objection in the store cannot be read") from error
