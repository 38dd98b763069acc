"""When a price is paid, in an ODRL policy: milestones, who holds what waits for them, and days of payment.

ODRL 2.2 (W3C Recommendations, 2018-02-15) has no word for any of it. It stands
beside the permission in words of our profile, and only where it differs from
what is usual, so that other documents stay as they were. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.terms.compensation import Compensation, Milestone
from gateway.terms.odrl_duties import OdrlUnread, listed
from gateway.terms.payment_required import plain

_NUMBERS: Final = {"licet:payment-days": "payment_days", "licet:late-interest-bp": "late_interest_bp"}
_TEXTS: Final = {"licet:calendar": "calendar", "licet:holder": "holder"}
_SHARE: Final = {"licet:share-bp": "share_bp", "licet:items": "items", "licet:months": "months"}
_SAID: Final = {"licet:name": "name", "licet:shown-by": "shown_by"}
_MILESTONES: Final = "licet:milestones"


def paying(price: Compensation) -> dict[str, object]:
    """The members of a policy that say how *price* is paid; none where all of it is usual.

    >>> paying(Compensation("USD"))
    {}
    """
    usual = price.usual()
    told: dict[str, object] = {
        word: plain(value) if isinstance(value := getattr(price, name), str) else value
        for word, name in (_NUMBERS | _TEXTS).items()
        if name not in usual
    }
    if price.milestones:
        # A JSON-LD list keeps its order.
        told[_MILESTONES] = {
            "@list": [
                {word: getattr(each, name) for word, name in (_SAID | _SHARE).items()}
                for each in price.milestones
            ]
        }
    return told


def read_paying(document: Mapping[str, object]) -> dict[str, Any]:
    """The members of `Compensation` that `paying` wrote into *document*; raises `OdrlUnread` on what is none of it."""
    found: dict[str, Any] = {
        name: _number(document, word) for word, name in _NUMBERS.items() if word in document
    }
    found |= {name: _text(document, word) for word, name in _TEXTS.items() if word in document}
    if _MILESTONES in document:
        value = document[_MILESTONES]
        milestones = listed(value["@list"] if isinstance(value, dict) and "@list" in value else value)
        found["milestones"] = tuple(_milestone(each) for each in milestones)
    return found


def _milestone(value: object) -> Milestone:
    if not isinstance(value, dict) or value.keys() != _SAID.keys() | _SHARE.keys():
        raise OdrlUnread("a milestone is not spelled as we know it")
    texts = {name: _text(value, word) for word, name in _SAID.items()}
    numbers = {name: _number(value, word) for word, name in _SHARE.items()}
    return Milestone(**texts, **numbers)  # type: ignore[arg-type]


def _number(table: Mapping[str, object], word: str) -> int:
    value = table[word]
    if isinstance(value, bool) or not isinstance(value, int):
        raise OdrlUnread(f"{word} is no whole number")
    return value


def _text(table: Mapping[str, object], word: str) -> str:
    value = table[word]
    if not isinstance(value, str):
        raise OdrlUnread(f"{word} is no text")
    return value
