"""License terms as a store keeps them: the text of their canonical JSON, and their hash beside it.

Only what we wrote ourselves is read, and the terms hash says whether it still
is what was agreed.
"""

from __future__ import annotations

import orjson

from gateway.canonical import canonical_bytes
from gateway.problems import StoreUnavailable
from gateway.terms.license_terms import LicenseTerms
from gateway.terms.terms_json import UnreadableTerms, terms_of


def write_terms(terms: LicenseTerms) -> str:
    """The canonical JSON of *terms*."""
    return canonical_bytes(terms.as_json()).decode()


def read_terms(text: str, terms_hash: str) -> LicenseTerms:
    """The terms of that JSON; `StoreUnavailable` if they are not those of *terms_hash*."""
    try:
        return terms_of(orjson.loads(text), terms_hash)
    except (UnreadableTerms, orjson.JSONDecodeError) as error:
        raise StoreUnavailable(f"the terms {terms_hash} in the store cannot be read: {error}") from error
