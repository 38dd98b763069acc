"""The three letters of the playbook, drafted from the state of a negotiation: a reply, a counter, a decline.

Plain text that a person edits and sends; nothing here sends anything. Each is
headed by the line that it needs counsel. A letter is made of the negotiation
and of what was published or is to be offered, never of the creator's position,
so no floor can stand in it. What a buyer wrote is put on one line and stripped
of whatever does not print. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from textwrap import fill
from types import MappingProxyType
from typing import Final

from gateway.licenses.contract import NOTICE, Party
from gateway.licenses.negotiation import Negotiation, State
from gateway.licenses.plain_words import NAMES, TAX, lever_words
from gateway.licenses.position import FACTS
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import LicenseTerms

_WIDTH: Final = 78
_LONGEST_NAME: Final = 120
#: What an initial reply asks for besides the facts, whatever the tier.
_TIMELINE: Final = "the timeline: when you would begin, and for how long"
_COMPENSATION: Final = "the compensation that you have in mind: at signing, by use, and as a share of revenue"
_AGAIN: Final = (
    "This says nothing about other works, uses or terms: the published offers stand, and we are glad to "
    "hear from you again."
)
#: Facts that a letter always asks for, in this order.
_ASKED: Final = ("use_case", "products")


class Kind(StrEnum):
    """Which letter."""

    REPLY = "reply"
    COUNTER = "counter"
    DECLINE = "decline"

    @property
    def heading(self) -> str:
        """What it is, in a few words."""
        return _TITLES[self]


_TITLES: Final[Mapping[Kind, str]] = MappingProxyType(
    {Kind.REPLY: "Initial reply", Kind.COUNTER: "Counter-offer", Kind.DECLINE: "Polite decline"}
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One draft: *subject* is one line, *body* plain text whose paragraphs are apart by an empty line."""

    kind: Kind
    subject: str
    body: str

    @property
    def text(self) -> str:
        """The whole letter as it is copied into a mail, under the line that it needs counsel."""
        return f"{NOTICE}\n\nSubject: {self.subject}\n\n{self.body}\n"

    @property
    def html(self) -> str:
        """The same as HTML without any markup of a buyer's."""
        paragraphs = "".join(
            f"<p>{escape(each).replace(chr(10), '<br>')}</p>\n" for each in self.body.split("\n\n")
        )
        return f"<p><strong>{escape(NOTICE)}</strong></p>\n<p>{escape(self.subject)}</p>\n{paragraphs}"


def letters_of(
    negotiation: Negotiation, *, creator: Party, buyer: str, terms: LicenseTerms | None = None
) -> tuple[Letter, ...]:
    """Every letter of `Kind`, for the *buyer* of that name; *terms* are those of the counter, as in `counter`."""
    return (
        reply(negotiation, creator=creator, buyer=buyer),
        counter(negotiation, creator=creator, buyer=buyer, terms=terms),
        decline(negotiation, creator=creator, buyer=buyer),
    )


def reply(negotiation: Negotiation, *, creator: Party, buyer: str) -> Letter:
    """The first answer: asks for whatever is not stated yet of use case, products, timeline and compensation."""
    asked = [*_ASKED, *(fact for fact in negotiation.missing if fact not in _ASKED)]
    open_ = [f"{_spoken(fact)}: {FACTS[fact]}" for fact in asked if fact not in negotiation.facts]
    known = [f"{_spoken(fact)}: {_line(value)}" for fact, value in negotiation.facts.items() if fact in FACTS]
    if "launch_date" not in negotiation.facts:
        open_.append(_TIMELINE)
    if negotiation.proposal is None:
        open_.append(_COMPENSATION)
    said = ["Thank you for asking about a license of our work."]
    if known:
        said.append(f"You told us:\n{_list(known)}")
    if open_:
        said.append(f"Before we can put a price on it, we need from you:\n{_list(open_)}")
    else:
        said.append("You have told us what we need; our answer to your proposal follows.")
    said.append(
        "Whatever is agreed names its works, uses, term and territory; nothing beyond them is granted."
    )
    return Letter(Kind.REPLY, f"Your request for a license ({negotiation.id})", _signed(said, creator, buyer))


def approach(operator: str, seen: str, *, creator: Party) -> Letter:
    """The initial letter to an *operator* that never asked; *seen* is one paragraph of what its crawlers did.

    It asks for the same as `reply`, and claims nothing that *seen* does not say.
    """
    open_ = [*(f"{_spoken(fact)}: {FACTS[fact]}" for fact in _ASKED), _TIMELINE, _COMPENSATION]
    said = [
        "We publish works that your crawlers asked for, and we license their use.",
        _line(seen),
        f"If you use them, or mean to, we would like to agree on a license. Please tell us:\n{_list(open_)}",
        (
            "Whatever is agreed names its works, uses, term and territory; nothing beyond them is granted. "
            "If you use nothing of what was fetched, we would be glad to hear that too."
        ),
    ]
    return Letter(Kind.REPLY, "A license for the use of our work", _signed(said, creator, operator))


def counter(
    negotiation: Negotiation, *, creator: Party, buyer: str, terms: LicenseTerms | None = None
) -> Letter:
    """A counter-offer that states every lever of *terms*; by default of what is on the table, or of the published offer."""
    stated = terms or negotiation.table or negotiation.offer.terms
    words = lever_words(stated)
    listed = _list([f"{name}: {words[lever]}" for lever, name in NAMES.items()])
    said = [
        "Thank you for your proposal. We can offer you a license on these terms:",
        listed,
        TAX,
        _standing(negotiation, stated),
    ]
    changed = _differences(negotiation, stated)
    if changed:
        said.insert(1, f"They differ from what you proposed on: {', '.join(changed)}.")
    return Letter(Kind.COUNTER, f"Our offer of a license ({negotiation.id})", _signed(said, creator, buyer))


def decline(negotiation: Negotiation, *, creator: Party, buyer: str) -> Letter:
    """A polite end. The reason is the one that was given where it has ended, else a blank for the writer."""
    ended = negotiation.state is State.TERMINATED and negotiation.why
    reason = _line(negotiation.why) if ended else "[your reason, or nothing]"
    said = [
        "Thank you for your interest in our work, and for the time that you gave to this.",
        f"We will not license it on the terms that you proposed. {reason}",
        _AGAIN,
    ]
    return Letter(
        Kind.DECLINE, f"Your request for a license ({negotiation.id})", _signed(said, creator, buyer)
    )


def _differences(negotiation: Negotiation, stated: LicenseTerms) -> list[str]:
    if negotiation.proposal is None:
        return []
    proposed, now = lever_words(negotiation.proposal), lever_words(stated)
    return [NAMES[lever].lower() for lever in Lever if proposed[lever] != now[lever]]


def _standing(negotiation: Negotiation, stated: LicenseTerms) -> str:
    tabled = negotiation.table is not None and negotiation.table == stated and negotiation.expires_at
    if not tabled:
        return "This letter binds nobody; the terms bind once they are accepted and signed."
    day = datetime.fromtimestamp(negotiation.expires_at, UTC).strftime("%d %B %Y, %H:%M UTC")
    return f"These terms stand until {day}. They bind once you accept them; this letter alone binds nobody."


def _spoken(fact: str) -> str:
    return fact.replace("_", " ").capitalize()


def _line(text: str) -> str:
    """*text* of the other side's on one line, without anything that does not print."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _list(items: list[str]) -> str:
    return "\n".join(
        fill(
            item,
            _WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )


def _signed(said: list[str], creator: Party, buyer: str) -> str:
    name = _line(buyer)[:_LONGEST_NAME] or "Sir or Madam"
    signed = "\n".join(filter(None, map(_line, (creator.signatory, creator.name))))
    paragraphs = [f"Dear {name},", *map(_wrapped, said), f"Kind regards,\n{signed}".rstrip()]
    return "\n\n".join(paragraphs)


def _wrapped(paragraph: str) -> str:
    lines = paragraph.split("\n")
    return "\n".join(
        line
        if line.startswith(("- ", "  "))
        else fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in lines
    )
