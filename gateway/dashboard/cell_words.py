"""How a cell of a table stands on a page: a number, a time, an amount, the id of something that has a page, or text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

#: Where a thing has its page, by the beginning of its id.
PAGES: Final[Mapping[str, str]] = {
    "le_": "/licensees/{id}", "li_": "/licenses/{id}", "ne_": "/deals/{id}", "du_": "/duties/{id}",
    "in_": "/billing/documents/{id}", "ld_": "/billing/disputes/{id}", "wd_": "/consent/withdrawals/{id}",
    "ob_": "/consent/objections/{id}", "we_": "/webhooks/{id}", "ev_": "/webhooks/events/{id}", "pr_": "/refused/{id}",
}  # fmt: skip
_ID: Final = re.compile(r"([a-z]{2}_)[0-9a-z]{16,}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?( [A-Z]{3}| %)?(; .*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cell:
    """*text* as it is; *time_us* where it is a time; *pattern* of the page of the thing whose id it is, *path* of its own.

    *number* says that it ends where numbers end.
    """

    text: str
    time_us: int | None = None
    pattern: str = ""
    path: str = ""
    number: bool = False


def cell_of(value: object) -> Cell:
    """How *value*, a whole number or text of a table's form, is shown.

    >>> cell_of(7).number, cell_of("0.02 USD").number, cell_of("li_" + "0" * 32).path
    (True, True, '/licenses/li_00000000000000000000000000000000')
    """
    if value is None:
        return Cell("")
    text = str(value)
    if isinstance(value, int) or _NUMBER.fullmatch(text):
        return Cell(text, number=True)
    if _TIME.fullmatch(text):
        return Cell(text, time_us=round(datetime.fromisoformat(text).timestamp() * 1_000_000))
    found = _ID.fullmatch(text)
    pattern = PAGES.get(found[1], "") if found else ""
    return Cell(text, pattern=pattern, path=pattern.partition("{")[0] + quote(text) if pattern else "")


def heading_of(name: str) -> str:
    """The heading of the cell that the forms call *name*.

    >>> heading_of("answer_by")
    'Answer by'
    """
    return name.replace("_", " ").capitalize()
