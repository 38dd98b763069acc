"""Samples of output: handed over with each report, objected to in time, and answered. Pure.

========= =============================== ==============================
who       does                            within
========= =============================== ==============================
licensee  hands over the samples          as its duty says
creator   accepts them, or vetoes some    `REVIEW_DAYS` after that; then
          for a reason                    they count as accepted
licensee  answers what it does about it   `ANSWER_DAYS` after the veto:
                                          a duty of its own
========= =============================== ==============================

The reason of a veto is that an output misrepresents a work or its author in
substance; a veto names the samples, from 1, and says how.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.licenses.license import License
from gateway.licenses.obligations import DAY, LONGEST_WHY, Kind, Obligation, State, obligation
from gateway.problems import Problem, Refusal

REVIEW_DAYS: Final = 30
ANSWER_DAYS: Final = 30
#: Later than any time.
WITHOUT_END: Final = 2**53
_ASKED: Final = re.compile(r"([0-9]+) examples")


class Sample(BaseModel):
    """One output: the text, what was asked, the works it relied on, and the model."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    output: Annotated[str, Field(min_length=1, max_length=20_000)]
    prompt: Annotated[str, Field(max_length=20_000)] = ""
    works: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=2048)]], Field(min_length=1, max_length=100)
    ]
    model: Annotated[str, Field(max_length=300)] = ""


class Samples(BaseModel):
    """What is handed over for one period."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    samples: Annotated[list[Sample], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class Vetoed:
    """A veto: the duty as it stands, and the duty to answer that it brings."""

    samples: Obligation
    answer: Obligation


def read_samples(body: Mapping[str, object], duty: Obligation) -> Samples | Refusal:
    """The samples in *body*, as many as *duty* asks for at least, or every mistake. Nothing is ever raised."""
    try:
        found = Samples.model_validate(dict(body))
    except ValidationError as error:
        told = [
            f"{'.'.join(map(str, each['loc']))[:100]}: {each['msg']}"
            for each in error.errors(include_url=False, include_context=False)[:20]
        ]
        return Refusal(
            Problem.DOCUMENT_INVALID,
            f"Of the samples, {'; '.join(told)}.",
            facts=(("mistakes", "\n".join(told)),),
        )
    least = owed(duty)
    if len(found.samples) < least:
        return Refusal(
            Problem.DOCUMENT_INVALID, f"There are {len(found.samples)} samples, and {least} are due."
        )
    return found


def owed(duty: Obligation) -> int:
    """How many samples *duty* asks for."""
    found = _ASKED.match(duty.asked)
    return int(found[1]) if found else 1


def review_by(duty: Obligation) -> int:
    """Until when the creator may object to the samples of *duty*, 0 where none were handed over."""
    return duty.delivered_at + REVIEW_DAYS * DAY if duty.delivered_at else 0


def waits_until(duty: Obligation) -> int:
    """Until when *duty* waits for the creator's word: 0 where it does not, `WITHOUT_END` where no time ends it."""
    if duty.state is not State.DELIVERED:
        return 0
    return review_by(duty) if duty.kind is Kind.OUTPUT_SAMPLES else WITHOUT_END


def reviewed(duty: Obligation, now: int) -> State:
    """Where *duty* stands at *now*: samples that nobody objected to in time count as accepted."""
    lapsed = duty.kind is Kind.OUTPUT_SAMPLES and duty.state is State.DELIVERED and now >= review_by(duty)
    return State.ACCEPTED if lapsed else duty.state_at(now)


def vetoed(
    duty: Obligation, license: License, samples: Sequence[int], why: str, now: int, *, handed_over: int
) -> Vetoed | Refusal:
    """The veto of *samples*, by number from 1 of those *handed_over*, because *why*; made at *now*."""
    if duty.kind is not Kind.OUTPUT_SAMPLES:
        return Refusal(
            Problem.DUTY_OVER, "Only samples of output are vetoed; other documents are turned back."
        )
    if reviewed(duty, now) is not State.DELIVERED:
        return Refusal(
            Problem.DUTY_OVER,
            f"These samples are {reviewed(duty, now)}; an objection is made within {REVIEW_DAYS} days.",
            facts=(("state", str(reviewed(duty, now))),),
        )
    named = sorted(set(samples))
    if not named or named[0] < 1 or named[-1] > handed_over:
        return Refusal(Problem.DOCUMENT_INVALID, f"A veto names samples from 1 to {handed_over}.")
    if not why.strip() or len(why) > LONGEST_WHY:
        return Refusal(
            Problem.DOCUMENT_INVALID,
            f"A veto says in at most {LONGEST_WHY} characters what is misrepresented.",
        )
    numbers = ", ".join(map(str, named))
    said = f"Samples {numbers}: {why.strip()}"
    answer = obligation(
        license,
        Kind.ANSWER,
        f"{duty.id}@{now}",
        (duty.begins, duty.ends),
        now + ANSWER_DAYS * DAY,
        f"What is done about the outputs that were objected to. {said}",
    )
    return Vetoed(replace(duty, state=State.VETOED, why=said), answer)
