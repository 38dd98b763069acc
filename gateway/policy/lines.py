"""Where in a policy file a key stands, for whoever has to mend it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_TABLE: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PARTS: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")
_LINE: Final = re.compile(r"line ([0-9]+)")


def line_of(text: str, key: str) -> int:
    r"""The line of *text*, from 1, where *key* of a `Mistake` is written, or the nearest that holds it; 0 if none.

    *key* is spelled as mistakes spell it, ``works[1].paths``. Where it is written
    inside another value, that value's line is meant; where it is missing, its
    table's. A mistake of the form itself names its line.

    >>> text = '[site]\nmode = "x"\n[[works]]\nid = "a"\n[[works]]\npaths = []\n'
    >>> [line_of(text, key) for key in ("site.mode", "works[1].paths", "works[0].rights", "rules", "line 4")]
    [2, 6, 3, 0, 4]
    """
    if found := _LINE.match(key):
        return int(found[1])
    wanted, best, longest = key.replace("[", ".[").split("."), 0, 0
    for number, path in _written(text):
        same = next(
            (at for at, (ours, theirs) in enumerate(zip(path, wanted, strict=False)) if ours != theirs), None
        )
        depth = min(len(path), len(wanted)) if same is None else 0
        if same is None and len(path) <= len(wanted) and depth > longest:
            best, longest = number, depth
    return best


def _written(text: str) -> list[tuple[int, list[str]]]:
    """Every table and key that begins a line, with the path of names that leads to it."""
    found: list[tuple[int, list[str]]] = []
    times: Counter[str] = Counter()
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _TABLE.fullmatch(line):
            table = _names(heading[2])
            if heading[1] == "[[":
                name = ".".join(table)
                table = [*table, f"[{times[name]}]"]
                times[name] += 1
            found.append((number, table))
        elif key := _KEY.match(line):
            found.append((number, [*table, *_names(key[1])]))
    return found


def _names(dotted: str) -> list[str]:
    return [next(name for name in each if name) if any(each) else "" for each in _PARTS.findall(dotted)]
