"""Duties and audits as one JSON text each, and back: shared by the adapters that keep texts."""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.licenses.audit_cases import AuditCase
from gateway.licenses.obligations import Obligation
from gateway.licenses.transparency import TransparencyReport
from gateway.problems import StoreUnavailable

_T = TypeVar("_T")
_DUTY: Final[TypeAdapter[Obligation]] = TypeAdapter(Obligation)
_AUDIT: Final[TypeAdapter[AuditCase]] = TypeAdapter(AuditCase)


def write_duty(duty: Obligation) -> str:
    """The JSON of *duty*."""
    return _DUTY.dump_json(duty).decode()


def read_duty(text: str) -> Obligation:
    """The duty of that JSON; `StoreUnavailable` if it cannot be read."""
    return _read(_DUTY, text, "a duty")


def write_audit(case: AuditCase) -> str:
    """The JSON of *case*."""
    return _AUDIT.dump_json(case).decode()


def read_audit(text: str) -> AuditCase:
    """The audit of that JSON; `StoreUnavailable` if it cannot be read."""
    return _read(_AUDIT, text, "an audit")


def read_kept_report(text: str) -> TransparencyReport:
    """The report of the document that was kept; `StoreUnavailable` if it cannot be read."""
    try:
        return TransparencyReport.kept(text)
    except ValidationError as error:
        raise StoreUnavailable("a report in the store cannot be read") from error


def _read(adapter: TypeAdapter[_T], text: str, noun: str) -> _T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise StoreUnavailable(f"{noun} in the store cannot be read") from error
