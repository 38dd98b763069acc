"""Consents as the store writes them down: JSON of our own making, read back to the same value."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter, ValidationError

from gateway.licenses.consent import Consent
from gateway.problems import StoreUnavailable

_CONSENT: Final = TypeAdapter(Consent)


def write_consent(consent: Consent) -> str:
    """*consent* as JSON."""
    return _CONSENT.dump_json(consent).decode()


def read_consent(text: str) -> Consent:
    """What `write_consent` wrote; anything else is `StoreUnavailable`."""
    try:
        return _CONSENT.validate_json(text)
    except ValidationError as error:
        raise StoreUnavailable("a consent in the store cannot be read") from error
