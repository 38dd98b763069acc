"""Works with several authors: who consents to which use, and what may not be sold meanwhile. Pure.

An author who was asked has a link of its own and answers for each use. A use may
be sold when nobody declines it and everybody who was asked consents, or a
declared representative does. Saying nothing is no consent. A work whose authors
nobody asked is the owner's to decide, as the policy says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.event import Event, event
from gateway.problems import Problem, Refusal
from gateway.uses import Use, Uses, closure

MICROS: Final = 1_000_000
_SILENCE: Final = "and no answer is no consent"
_CAUSE: Final = "consent "


class Answer(StrEnum):
    """What an author says to one use."""

    CONSENT = "consent"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Consent:
    """What one author was asked about one work, and has answered.

    Attributes:
        id: ``co_`` and hex.
        share_micros: of what the work earns, in millionths; 0 for none agreed.
        secret_sha256: lower-case hex SHA-256 of the link's secret, which is kept nowhere.
        representative: its consent stands for everybody's.
        answers: use -> answer and when, those that were given.
        version: 1 when it is asked, one more with each change.
    """

    id: str
    site: str
    work: str
    author: str
    share_micros: int
    secret_sha256: str
    asked_at: int
    representative: bool = False
    answers: tuple[tuple[Use, Answer, int], ...] = ()
    version: int = 1

    def uses(self, answer: Answer) -> Uses:
        """The uses that were answered so."""
        return frozenset(use for use, said, _ in self.answers if said is answer)

    @property
    def share(self) -> str:
        """The share for people, such as ``33.3333 %``."""
        return f"{self.share_micros / 10_000:g} %"


def consented(consents: Iterable[Consent]) -> Uses:
    """The uses of one work that may be sold, by the answers of all who were asked about it; none where nobody was."""
    asked = tuple(consents)
    if not asked:
        return frozenset()
    all_of_them = frozenset(Use).intersection(*(closure(each.uses(Answer.CONSENT)) for each in asked))
    spoken = [closure(each.uses(Answer.CONSENT)) for each in asked if each.representative]
    agreed = all_of_them.union(*spoken)
    declined = frozenset[Use]().union(*(each.uses(Answer.DECLINE) for each in asked))
    return frozenset(use for use in agreed if not closure(declined) & closure(frozenset({use})))


def unsold(consents: Iterable[Consent]) -> Uses:
    """The uses that may not be sold while the answers are as they are; none where nobody was asked."""
    asked = tuple(consents)
    return frozenset(Use) - consented(asked) if asked else frozenset()


def why_unsold(consents: Iterable[Consent], uses: Uses) -> str:
    """Why *uses* of one work may not all be sold, by who was asked about it: a clause for its owner; "" where they may.

    >>> why_unsold([Consent("co_1", "journal", "essays", "Ada", 0, "", 9)], frozenset({Use.AI_TRAIN}))
    'its author has not answered yet, and no answer is no consent'
    """
    asked = tuple(consents)
    if uses <= consented(asked) or not asked:
        return ""
    wanted = closure(uses)
    declining = sum(bool(closure(each.uses(Answer.DECLINE)) & wanted) for each in asked)
    waiting = sum(
        not (closure(each.uses(Answer.DECLINE)) & wanted) and not wanted <= closure(each.uses(Answer.CONSENT))
        for each in asked
    )
    if len(asked) == 1:
        return "its author declines" if declining else f"its author has not answered yet, {_SILENCE}"
    said = [f"{declining} of its {len(asked)} authors declined"] if declining else []
    if waiting:
        verb = "has" if waiting == 1 else "have"
        said.append(f"{waiting} of its {len(asked)} authors {verb} not answered yet, {_SILENCE}")
    return "; ".join(said)


def answered(consent: Consent, answers: Mapping[Use, Answer], now: int) -> Consent:
    """The same after *answers*; a use that is left out keeps its answer. Itself where nothing changes."""
    before = {use: (said, at) for use, said, at in consent.answers}
    after = dict(before)
    for use, said in answers.items():
        if before.get(use, (None, 0))[0] is not said:
            after[use] = (said, now)
    if after == before:
        return consent
    kept = tuple((use, *after[use]) for use in Use if use in after)
    return replace(consent, answers=kept, version=consent.version + 1)


def read_answers(members: Mapping[str, object]) -> Mapping[Use, Answer] | Refusal:
    """Read ``{"ai-train": "consent", …}``; a refusal names what is neither a use nor an answer."""
    found: dict[Use, Answer] = {}
    for name, value in members.items():
        if name not in list(Use):
            return _wrong(name[:40], "is no use")
        if not isinstance(value, str) or value not in list(Answer):
            return _wrong(name, f"is neither {' nor '.join(Answer)}")
        found[Use(name)] = Answer(value)
    return found


def secret_digest(secret: str) -> str:
    """What is kept of a link's secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def cause_of(work: str) -> str:
    """What a hold for want of consent names as its cause."""
    return f"{_CAUSE}{work}"


def work_of(cause: str) -> str:
    """The work that a hold of that *cause* is for want of consent to; "" where it comes of something else."""
    return cause.removeprefix(_CAUSE) if cause.startswith(_CAUSE) else ""


def told(consent: Consent, at: int) -> Event:
    """What the operator hears of an answer: which work, and what may not be sold by it; no name."""
    declined = consent.uses(Answer.DECLINE)
    return event(
        "consent.asked" if consent.version == 1 else "consent.declined" if declined else "consent.given",
        at=at,
        site=consent.site,
        subject=consent.id,
        nth=str(consent.version),
        body={
            "consent": consent.id,
            "work": consent.work,
            "consented": sorted(consent.uses(Answer.CONSENT)),
            "declined": sorted(declined),
        },
    )


def _wrong(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the answer, {member} {why}.", facts=(("member", member),))
