"""A `licenses.written.Writing` as one HTML page of its own, to be kept or sent. Pure."""

from __future__ import annotations

from html import escape

from gateway import paper
from gateway.dashboard.visible import visible
from gateway.licenses.written import Section, Writing


def writing_page(writing: Writing) -> str:
    """The whole page; it loads and runs nothing."""
    sections = "".join(_section(each) for each in writing.sections)
    return paper.sheet(
        visible(writing.title),
        f'<p class="quiet"><strong>{escape(writing.notice)}</strong></p>\n'
        f"<p>{escape(visible(writing.lead))}</p>\n{sections}",
    )


def _section(section: Section) -> str:
    said = "".join(f"<p>{escape(visible(each))}</p>\n" for each in section.sentences)
    tables = "".join(
        paper.table(
            visible(each.caption),
            [visible(name) for name in each.columns],
            [[visible(cell) for cell in row] for row in each.rows],
        )
        for each in section.tables
    )
    lines = section.letter.split("\n") if section.letter else []
    letter = "\n".join(escape(visible(line)) for line in lines)
    return (
        f"<h2>{escape(visible(section.title))}</h2>\n{said}{tables}"
        f"{f'<pre>{letter}</pre>{chr(10)}' if letter else ''}"
    )
