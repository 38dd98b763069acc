"""Strings that a crawler chose, made safe to look at.

Escaping stops markup; this stops what escaping lets through: control
characters that forge lines, direction overrides that turn a name around, zero
width characters that hide, and spreadsheet cells that would be formulas.
"""

from __future__ import annotations

import re
from typing import Final

_HIDDEN: Final = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def visible(text: str) -> str:
    r"""Return *text* with every character that hides, breaks lines or turns direction spelled out.

    >>> visible("a\u202eb\n")
    'a\\u202eb\\u000a'
    """
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def spreadsheet_cell(text: str) -> str:
    """Return *text* as a CSV cell that no spreadsheet takes for a formula.

    A cell whose first visible sign could begin one gets an apostrophe before it.

    >>> spreadsheet_cell("=1+1"), spreadsheet_cell("/a=b")
    ("'=1+1", '/a=b')
    """
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
