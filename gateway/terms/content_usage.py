"""AIPREF preferences: ``Content-Usage`` in answers and in robots.txt.

Vocabulary: draft-ietf-aipref-vocab-08 (2026-09-13): ``train-ai``, ``ai-use`` and
``search``, each ``y`` or ``n``. Attachment: draft-ietf-aipref-attach-05
(2026-08-19): a header is about the answer that carries it (section 2), a robots
rule about what its path matches (section 3). The value is a Dictionary of RFC
9651; whatever is not ``y`` or ``n`` is unsaid, and a value that is no Dictionary
says nothing at all. Labels of earlier drafts and of other vocabularies
(``ai-train``) are unknown here and ignored, as the draft wants it.

What the format cannot say: prices, who may buy, places, renditions, `ai-index`,
`tdm`, `fine-tune` by itself; for sale and reserved are both ``n``. ``train-ai=n``
does not stop search: a use that is search is judged by ``search`` alone (section
4.3). Parameters are read past; none is written.

Pure; raises nothing on any text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import http_sf

from gateway.terms.preferences import NOTHING, PathRule, Statement
from gateway.terms.robots_pattern import encoded
from gateway.uses import Use

FIELD: Final = "content-usage"
#: What each label is about. Training is allowed only where all of it is.
LABELS: Final[Mapping[str, Use]] = MappingProxyType(
    {"train-ai": Use.AI_TRAIN, "ai-use": Use.AI_INPUT, "search": Use.SEARCH}
)
_WORDS: Final = {"y": True, "n": False}
_LONGEST: Final = 1024


def render(said: Statement) -> str:
    """The value of the header.

    >>> render((("train-ai", False), ("search", True)))
    'train-ai=n, search=y'
    """
    return ", ".join(f"{label}={'y' if allowed else 'n'}" for label, allowed in said)


def render_rule(rule: PathRule) -> str:
    """The value of the robots rule; the rule for everything has no path."""
    return render(rule.said) if rule.pattern == "/" else f"{rule.pattern} {render(rule.said)}"


def read(value: str) -> Statement:
    """What a header says in the labels known here. Several header lines are joined with commas before (RFC 9110)."""
    if len(value) > _LONGEST:
        return NOTHING
    try:
        members = http_sf.parse(value.encode("ascii"), tltype="dictionary")
    except (UnicodeEncodeError, http_sf.StructuredFieldError, ValueError):
        return NOTHING
    found = []
    for label in LABELS:
        member = members.get(label) if isinstance(members, dict) else None
        word = member[0] if isinstance(member, tuple) and member else None
        if isinstance(word, http_sf.Token) and str(word) in _WORDS:
            found.append((label, _WORDS[str(word)]))
    return tuple(found)


def read_rule(value: str) -> PathRule | None:
    """What a robots rule says, or None for one that says nothing known here."""
    path, _, rest = value.strip(" \t").partition(" ")
    if not path.startswith("/"):
        path, rest = "/", value
    said = read(rest.strip(" \t"))
    return PathRule(encoded(path), said) if said else None
