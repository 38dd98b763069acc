"""The grid in words: what each use is, what stands in a cell, and what a change changes, for whom, from when. Pure.

The sentences of a change are what an owner reads before saying yes, and what the
record of that consent keeps, word for word.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.policy.consent_grid import UNITS, Cell, Consent, Found, Grid, Place
from gateway.terms.license_terms import PAGE
from gateway.uses import Use

#: Each use: its name in a heading, and what a crawler does that has it.
USES: Final[Mapping[Use, tuple[str, str]]] = MappingProxyType(
    {
        Use.SEARCH: ("Search", "leads people to them from a search engine"),
        Use.AI_INPUT: ("Answers", "answers one person's question with them"),
        Use.AI_INDEX: ("Index", "keeps them to answer later questions"),
        Use.AI_TRAIN: ("Training", "trains models on them"),
        Use.FINE_TUNE: ("Fine-tuning", "adapts finished models with them"),
        Use.TDM: ("Counting", "counts and compares them (text and data mining)"),
    }
)
#: Each word of a cell, as people read it.
WORDS: Final[Mapping[Consent, str]] = MappingProxyType(
    {Consent.FREE: "free", Consent.PAID: "paid", Consent.ASK: "ask me", Consent.NO: "no"}
)
#: From when a change holds, and what it leaves alone.
FROM_WHEN: Final = (
    "It holds from the moment it is put in force, within a few seconds, for every crawler that comes then. "
    "Licenses that run keep what they say until they end; a withdrawal takes a work back from them too."
)


def row_name(place: Place) -> str:
    """A row, for people: ``the pages of essays``."""
    return (
        f"the pages of {place.work}" if place.rendition == PAGE else f"the {place.rendition} of {place.work}"
    )


def price_words(cell: Cell, currency: str) -> str:
    """``0.02 USD for each fetch``."""
    return f"{cell.amount} {currency} {UNITS[cell.unit]}"


def stands(found: Found, currency: str) -> str:
    """What stands in a cell, in a few words."""
    if found.locked:
        return f"by hand: {found.locked}"
    if found.mixed:
        return "it depends on who asks"
    if found.cell is None:
        return "comes with a wider use" if found.offers else "not set, which means no"
    word = WORDS[found.cell.consent]
    return f"{word}, {price_words(found.cell, currency)}" if found.cell.priced else word


def changes(before: Grid, after: Grid, currency: str) -> tuple[str, ...]:
    """One sentence for each cell that says something else in *after*, in the order of the grid."""
    said = []
    for place in after.places:
        for use in Use:
            old, new = before.cells.get((place, use), Found()), after.cells[place, use]
            was, will = _happens(old, currency), _happens(new, currency)
            if was != will:
                name = row_name(place)
                said.append(
                    f"{name[:1].upper()}{name[1:]}: a crawler that {USES[use][1]} {was} now, and then {will}."
                )
    return tuple(said)


def cells(grid: Grid, currency: str) -> tuple[str, ...]:
    """Every cell of *grid* as one line that a record keeps: ``essays/page/ai-train: paid, 0.02 USD for each fetch``."""
    return tuple(
        f"{place.work}/{place.rendition}/{use}: {stands(grid.cells[place, use], currency)}"
        for place in grid.places
        for use in Use
    )


def _happens(found: Found, currency: str) -> str:
    if found.mixed:
        return "is met as the rules say of whoever it is"
    if found.locked:
        return "needs a license whose terms the file says"
    if found.cell is None:
        return "has it with a wider use" if found.offers else "is refused, because nothing is set"
    if found.cell.consent is Consent.FREE:
        return "gets them for nothing"
    if found.cell.consent is Consent.NO:
        return "is refused"
    price = price_words(found.cell, currency)
    if found.cell.consent is Consent.ASK:
        return f"has to ask you, from {price}"
    return f"pays {price}"
