"""trust.txt: one line of it, ``datatrainingallowed``.

JournalList's trust.txt (reference document, with the attribute of 2024-04-04);
an Internet draft of it expired. Lines are ``name=value``; comments begin with
``#``. The rest of the site's own file passes as it is.

The line knows yes and no for the whole site: yes only where training is free on
every page, by the terms and by the site's own file if it says anything. Prices
and places it cannot say. Pure; raises nothing on any octets.
"""

from __future__ import annotations

from typing import Final

from gateway.terms.license_terms import PublishedTerms
from gateway.uses import Use, closure

PATH: Final = "/trust.txt"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"
_NAME: Final = "datatrainingallowed"
_MOST_OCTETS: Final = 256 * 1024


def training_is_free(terms: PublishedTerms) -> bool:
    """Whether training is free on every page of the site."""
    return bool(terms.scopes) and all(Use.AI_TRAIN in closure(scope.free) for scope in terms.scopes)


def read(octets: bytes) -> bool | None:
    """What a file says of training; the stricter where it says both, None where it says nothing."""
    found: bool | None = None
    for line in _lines(octets):
        name, _, value = line.partition("#")[0].partition("=")
        if name.strip().lower() == _NAME and value.strip().lower() in {"yes", "no"}:
            found = value.strip().lower() == "yes" and found is not False
    return found


def merged(origin: bytes | None, terms: PublishedTerms, *, unread: bool = False) -> bytes:
    """The file to serve: the site's own, or none, with the line of the terms in place of its own.

    With *unread* the site's own cannot be had at the moment, so the line says no; so it does where that file
    is too large; of such a one only the beginning is told.
    """
    theirs = origin or b""
    unread = unread or len(theirs) > _MOST_OCTETS
    kept = [line for line in _lines(theirs) if line.partition("=")[0].strip().lower() != _NAME]
    allowed = training_is_free(terms) and read(theirs) is not False and not unread
    return "\n".join([*kept, f"{_NAME}={'yes' if allowed else 'no'}", ""]).encode("utf-8", "replace")


def _lines(octets: bytes) -> list[str]:
    text = octets[:_MOST_OCTETS].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return text.replace("\0", "").splitlines()
