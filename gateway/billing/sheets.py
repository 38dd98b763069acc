"""What a statement or an invoice shows people: facts, tables and notes, whatever it is printed on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from gateway.paper import pairs, table

TEST_NOTICE: Final = "TEST MODE: no money moves, nobody owes anything."


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of text: the first cell names the row, the last *right* columns are amounts."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: int = 1


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole document. *test* says that it is of books in test mode, which it then says itself, loudly."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...] = ()
    test: bool = False

    @property
    def heading(self) -> str:
        """The title, which says TEST where it is one."""
        return f"TEST: {self.title}" if self.test else self.title


def as_html(paper: Paper) -> str:
    """The body of its page; the heading is the page's title."""
    warning = f'<p class="told wrong" role="note"><strong>{TEST_NOTICE}</strong></p>\n' if paper.test else ""
    return "".join(
        (
            warning,
            pairs("What this is", paper.facts),
            *(
                f"<h2>{escape(sheet.caption)}</h2>\n{table(sheet.caption, sheet.columns, sheet.rows, right=sheet.right)}"
                for sheet in paper.sheets
            ),
            *(f'<p class="quiet">{escape(note)}</p>\n' for note in paper.notes),
            warning,
        )
    )
