"""Withdrawals and removals as the store writes them down: JSON of our own making, read back to the same value."""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.licenses.removal import Removal, RemovalState
from gateway.licenses.withdrawal import Withdrawal
from gateway.problems import StoreUnavailable

_T = TypeVar("_T")
_WITHDRAWAL: Final = TypeAdapter(Withdrawal)
_REMOVAL: Final = TypeAdapter(Removal)
_WAITING: Final = frozenset({RemovalState.ISSUED, RemovalState.ACKNOWLEDGED})


def write_withdrawal(withdrawal: Withdrawal) -> str:
    """*withdrawal* as JSON."""
    return _WITHDRAWAL.dump_json(withdrawal).decode()


def read_withdrawal(text: str) -> Withdrawal:
    """What `write_withdrawal` wrote; anything else is `StoreUnavailable`."""
    return _read(_WITHDRAWAL, text)


def write_removal(removal: Removal) -> str:
    """*removal* as JSON."""
    return _REMOVAL.dump_json(removal).decode()


def read_removal(text: str) -> Removal:
    """What `write_removal` wrote; anything else is `StoreUnavailable`."""
    return _read(_REMOVAL, text)


def waits(removal: Removal, withdrawal: Withdrawal | None = None) -> bool:
    """Whether a plan is still waited for; not once *withdrawal* is lifted."""
    return (
        bool(removal.plan_due)
        and removal.state in _WAITING
        and not removal.done("readmitted")
        and not (withdrawal is not None and withdrawal.readmitted_at)
    )


def _read(adapter: TypeAdapter[_T], text: str) -> _T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise StoreUnavailable("a withdrawal in the store cannot be read") from error
