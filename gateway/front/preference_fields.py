"""What an answer of the creator's server says of preferences, once it passes through here.

For automata alone: a person's answer keeps every octet of its head. Decided by
`terms.answer_fields`; here is only what the server's own fields have to do with it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from gateway.admission.admit import Grant
from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.origin.delivery import OriginAnswer
from gateway.terms.answer_fields import combines, preferences_told
from gateway.terms.license_terms import PublishedTerms
from gateway.uses import Uses

_NOTHING: Final[tuple[bytes, frozenset[str]]] = (b"", frozenset())
_NOBODY: Final[Uses] = frozenset()


def preference_fields(
    opened: OriginAnswer, ask: Ask, judged: Judged, terms: PublishedTerms
) -> tuple[bytes, frozenset[str]]:
    """The lines to add, each behind a line end, and the names of the server's fields that they stand for.

    Nothing where nothing was delivered: only 2xx and 304 carry them.
    """
    if not 200 <= opened.status < 300 and opened.status != 304:
        return _NOTHING
    grant = judged.verdict
    licensed = _NOBODY
    if isinstance(grant, Grant) and grant.charge is not None and grant.claims is not None:
        licensed = grant.claims.uses
    fields, octets = preferences_told(terms, ask.path, licensed)
    if fields.replaced and combines(terms) and any(map(opened.field, fields.replaced)):
        octets = fields.beside(opened.headers).octets()
    return octets, fields.replaced


@lru_cache(maxsize=64)
def both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """The union, made once: these sets are few and asked for at every answer."""
    return one | other
