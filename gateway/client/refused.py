"""Why a page was not had, as a value: what was refused, by which rule, on which fact, and what to do next.

A refusal is either the other side's (RFC 9457 problem details, July 2023, or an
OAuth error, RFC 6749 section 5.2) or this client's own, out of the closed list
`Why`. Nothing that another server says can make reading it raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_LONGEST = 1000


class Why(Enum):
    """Every reason for which this client itself goes no further: its code, the rule, and the next step."""

    OVER_CEILING = ("over-ceiling", "A fetch costs more than the ceiling of one", "Raise the ceiling.")
    OVER_BUDGET = ("over-budget", "This run may not spend that much more", "Raise the budget of the run.")
    STOPPED = ("stopped", "The kill switch was thrown", "Release it, and ask again.")
    NO_SELLER = (
        "no-seller",
        "The answer does not say where a license is bought",
        "Write to the owner of the site.",
    )
    FOREIGN_SELLER = (
        "foreign-seller",
        "Nothing secret is sent to another origin",
        "Give the credentials for the origin that the site names.",
    )
    NO_CREDENTIALS = (
        "no-credentials",
        "A license is asked for, and there is nothing to log in with",
        "Give credentials or a key, or let the session register.",
    )
    UNREADABLE = (
        "unreadable",
        "The answer is not what its address promises",
        "Write to the owner of the site.",
    )
    NOTHING_FITS = ("nothing-fits", "No offer covers what is wanted", "Ask for less, or negotiate.")
    NO_AGREEMENT = (
        "no-agreement",
        "The negotiation ended without a deal",
        "Change the position, or go without.",
    )
    FACT_MISSING = (
        "fact-missing",
        "The creator asks for facts that were not given",
        "Give the facts named here.",
    )
    PERSON_DECIDES = (
        "person-decides",
        "A person at the creator decides on this deal",
        "Ask again later: the negotiation stands.",
    )
    UNREACHABLE = ("unreachable", "The server gave no usable answer", "Ask again later.")
    TOO_MANY_REDIRECTS = ("too-many-redirects", "The page was moved too often", "Ask for another page.")

    @property
    def code(self) -> str:
        """The stable name."""
        return str(self.value[0])


@dataclass(frozen=True, slots=True)
class Refused:
    """One "no".

    Attributes:
        problem: the type URI that the other side named, or the code of a `Why`.
        rule: the rule that was applied, the same for every refusal of this problem.
        fact: the fact behind this very one.
        next_step: what can be done about it.
        status: the HTTP status, 0 where the refusal is this client's own.
        url: the address that refused.
        body: the other side's whole answer, for programs; {} where there was none.
    """

    problem: str
    rule: str
    fact: str = ""
    next_step: str = ""
    status: int = 0
    url: str = ""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def own(
        cls, why: Why, fact: str = "", *, url: str = "", body: Mapping[str, Any] | None = None
    ) -> Refused:
        """Refuse for a reason of the client's own."""
        code, rule, step = why.value
        return cls(code, rule, shown(fact), step, url=url, body=body or {})

    @classmethod
    def told(cls, status: int, body: Mapping[str, Any], url: str, reason: str = "") -> Refused:
        """What a server answered, in either of the two shapes."""
        error = _text(body, "error")
        problem = _text(body, "type") or _text(body, "error_uri") or error or "about:blank"
        return cls(
            problem,
            _text(body, "title") or error or shown(f"{status} {reason}").strip(),
            _text(body, "detail") or _text(body, "error_description"),
            _text(body, "next_step"),
            status,
            url,
            body,
        )

    @property
    def code(self) -> str:
        """The last part of `problem`: a code of the gateway's list, or of `Why`.

        >>> Refused.told(402, {"type": "https://a.example/.licet/problems/budget-spent"}, "").code
        'budget-spent'
        """
        return self.problem.rstrip("/").rpartition("/")[2]

    def __str__(self) -> str:
        """Rule, fact and next step as one line for people."""
        said = [self.rule.rstrip("."), self.fact.rstrip("."), self.next_step.rstrip(".")]
        return ". ".join(filter(None, said)) + "."


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    return shown(value) if isinstance(value, str) else ""


def shown(text: str) -> str:
    """*text* of another server as a terminal may be shown it: one line, bounded, nothing that controls."""
    return "".join(char if char.isprintable() else " " for char in text[:_LONGEST])
