"""Content Signals: ``Content-Signal`` in answers and in robots.txt.

Cloudflare's convention (contentsignals.org, September 2025, with ``use`` of July
2026); no standard. ``search`` is an index with links and short excerpts,
``ai-input`` is what a model is given to answer from, ``ai-train`` is training and
fine-tuning; each ``yes`` or ``no``. A robots line may begin with a path; which of
several decides is not said anywhere, and is the longest here.

``use`` is ``immediate``, ``reference`` (index, excerpt and a link back) or ``full``
(reproduce). It is written where it follows: ``reference`` for what search is
free to do, ``immediate`` where it is not; where answers are free to a model it
is left out, because ``full`` would allow reproducing, which nobody granted. Of
a site's own ``use`` is kept what it rules out, so that ours is never wider.

What the format cannot say: prices, who may buy, places, renditions, `ai-index`
and `tdm`; for sale and reserved are both ``no``.

Pure; raises nothing on any text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.terms.preferences import PathRule, Statement
from gateway.terms.robots_pattern import encoded
from gateway.uses import Use

FIELD: Final = "content-signal"
LABELS: Final[Mapping[str, Use]] = MappingProxyType(
    {"search": Use.SEARCH, "ai-input": Use.AI_INPUT, "ai-train": Use.AI_TRAIN}
)
_WORDS: Final = {"yes": True, "no": False}
#: What each ``use`` rules out, by labels that are only ever said no to.
_RULED_OUT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"immediate": ("reference", "full"), "reference": ("full",)}
)
_LONGEST: Final = 1024


def render(said: Statement) -> str:
    """The value of header and robots line alike.

    >>> render((("search", True), ("ai-input", False), ("ai-train", False)))
    'search=yes, ai-input=no, ai-train=no, use=reference'
    """
    found = dict(said)
    pairs = [f"{label}={'yes' if found[label] else 'no'}" for label in LABELS if label in found]
    closed = found.get("ai-input") is False
    if "reference" in found or (closed and not found.get("search")):
        pairs.append("use=immediate")
    elif "full" in found or closed:
        pairs.append("use=reference")
    return ", ".join(pairs)


def render_rule(rule: PathRule) -> str:
    """The value of a robots line; the rule for everything has no path."""
    return render(rule.said) if rule.pattern == "/" else f"{rule.pattern} {render(rule.said)}"


def read(value: str) -> Statement:
    """What a value says in the labels known here; anything but ``yes`` and ``no`` is unsaid.

    A label that stands twice says what its stricter value does. What ``use``
    rules out beyond the labels is said no to as ``reference`` and ``full``.
    """
    found: dict[str, bool] = {}
    out: set[str] = set()
    for part in value[:_LONGEST].split(","):
        label, _, word = (piece.strip(" \t").lower() for piece in part.partition("="))
        if label in LABELS and word in _WORDS:
            found[label] = found.get(label, True) and _WORDS[word]
        elif label == "use":
            out.update(_RULED_OUT.get(word, ()))
    if found.get("ai-input") is False:
        # What follows from the labels anyway, whoever adds a no to them.
        out -= {"full"} if found.get("search") is not False else {"full", "reference"}
    ruled = tuple((label, False) for label in ("reference", "full") if label in out)
    return (*((label, found[label]) for label in LABELS if label in found), *ruled)


def read_rule(value: str) -> PathRule | None:
    """What a robots line says, or None for one that says nothing known here."""
    path, _, rest = value.strip(" \t").partition(" ")
    if not path.startswith("/"):
        path, rest = "/", value
    said = read(rest)
    return PathRule(encoded(path), said) if said else None
