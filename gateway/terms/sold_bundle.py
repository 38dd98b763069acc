"""A bundle as terms name it: many works sold as one, which a manifest lists (`licenses.bundle`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: All of it, in millionths.
WHOLE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """Its name, the hash of its manifest, how many items it has.

    *ingestion* is the share of the items, in millionths, that has to be fetched for them to count as taken in.
    """

    name: str
    manifest: str
    items: int
    ingestion: int = WHOLE
