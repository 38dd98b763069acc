"""What a crawler may do with what it fetches: the one vocabulary of uses.

Names follow RSL 1.0 (section 3.4.1.1), which shares `search`, `ai-input` and
`ai-train` with Cloudflare's Content Signals; `fine-tune` and `tdm` are ours and
the EU directive's. Other vocabularies live in their format's module and are
mapped there. A use that nobody set means no.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Use(StrEnum):
    """One thing that can be done with a fetched work."""

    SEARCH = "search"
    AI_INPUT = "ai-input"
    AI_INDEX = "ai-index"
    AI_TRAIN = "ai-train"
    FINE_TUNE = "fine-tune"
    TDM = "tdm"


Uses = frozenset[Use]

#: What a crawler of unknown purpose is taken to do: saying less buys nothing.
AI_USES: Uses = frozenset({Use.AI_INPUT, Use.AI_INDEX, Use.AI_TRAIN})

#: A grant of the wider use covers the narrower one.
_INCLUDED: dict[Use, Uses] = {Use.AI_TRAIN: frozenset({Use.FINE_TUNE})}


def parse_use(text: str) -> Use | None:
    """Return the use of that name, or None: unknown uses are never guessed."""
    try:
        return Use(text)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def closure(granted: Uses) -> Uses:
    """Everything that *granted* covers, narrower uses included.

    >>> sorted(closure(frozenset({Use.AI_TRAIN})))
    [<Use.AI_TRAIN: 'ai-train'>, <Use.FINE_TUNE: 'fine-tune'>]
    """
    return granted.union(*(_INCLUDED.get(use, frozenset()) for use in granted))


def covers(granted: Uses, asked: Uses) -> bool:
    """Whether every use in *asked* is granted. Asking for nothing is covered by nothing.

    >>> covers(frozenset({Use.AI_INPUT}), frozenset())
    False
    """
    return bool(asked) and asked <= closure(granted)


def tier_of(uses: Uses) -> int:
    """The tier of an offer of *uses*, by the most that becomes of a work: 1 a model, 2 an index, 3 answers.

    >>> tier_of(frozenset({Use.AI_INPUT, Use.AI_TRAIN})), tier_of(frozenset({Use.AI_INPUT}))
    (1, 3)
    """
    if uses & {Use.AI_TRAIN, Use.FINE_TUNE}:
        return 1
    return 2 if uses & {Use.AI_INDEX, Use.TDM} else 3
