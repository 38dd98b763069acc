"""``X-Robots-Tag: noai, noimageai``: a convention of 2022 that some readers of data sets obey.

DeviantArt's words (November 2022); no standard. A line of its own, beside
whatever the site says to search engines, because directives add up. It is said
where no AI use is free; what is for sale is told elsewhere, because the words
know no terms. Reading takes a word for what it is in any line, whoever it is
addressed to. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.terms.license_terms import PublishedScope
from gateway.uses import AI_USES, closure

FIELD: Final = "x-robots-tag"
VALUE: Final = "noai, noimageai"


def closed(scope: PublishedScope) -> bool:
    """Whether no AI use of *scope* is free."""
    return not closure(scope.free) & AI_USES


def read(values: Iterable[str]) -> bool:
    """Whether AI uses are refused by any of *values*.

    >>> read(["noindex, NoAI"]), read(["GPTBot: noimageai"]), read(["nosnippet"])
    (True, True, False)
    """
    words = {word.rpartition(":")[2].strip().lower() for value in values for word in value.split(",")}
    return bool(words & {"noai", "noimageai"})
