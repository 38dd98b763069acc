"""What a price says of milestones and of when it is paid, in a policy file: the names, the types, and a sentence about each."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from gateway.policy import words
from gateway.terms.compensation import PAYMENT_DAYS

STRICT: Final = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class MilestoneTable(BaseModel):
    """One entry of a price's ``milestones``: a part of the upfront fee that waits until something has happened."""

    model_config = STRICT

    when: words.Name = Field(description="what has to happen, such as ingestion, training or launch")
    share: words.BasisPoints = Field(description="its share of the upfront part, such as 50 %")
    shown_by: words.ProofOfMilestone | None = Field(
        default=None, description="journal (usual for ingestion), statement (of the buyer), or operator"
    )
    items: words.Count = Field(default=0, description="for journal: how many works; 0 for all of a bundle")
    months: words.Count = Field(default=0, description="lapses after so many months; 0: with the term")


class PayingTable(BaseModel):
    """The part of ``price`` that says what waits for milestones, and how soon is paid."""

    model_config = STRICT

    milestones: list[MilestoneTable] = Field(
        default=[], description="parts of upfront that wait for something"
    )
    holder: words.Line = Field(
        default="nobody", description="who holds what waits: provider:NAME, agent:NAME, or nobody (a promise)"
    )
    payment_days: words.PaymentDays = Field(
        default=PAYMENT_DAYS, description="business days to pay what is due"
    )
    calendar: words.Line = Field(default="", description="whose business days; weekdays if left out")
    late_interest: words.BasisPoints = Field(default=0, description="a year, on what is paid late")
