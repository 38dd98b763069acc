"""``[redress]`` of a policy file: what others are told of withdrawals, and what an objection does at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.policy import words
from gateway.policy.rules import Redress

_WORDS = ("note", "hold")


def _word(value: object) -> str:
    if value not in _WORDS:
        raise words.wrong('write "note" or "hold"')
    return str(value)


ObjectionsWord = Annotated[
    str, BeforeValidator(_word), WithJsonSchema({"type": "string", "enum": list(_WORDS)})
]


class RedressTable(BaseModel):
    """``[redress]``: how withdrawals are told, and what an objection does before you decide on it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)

    public_feed: words.Flag = Field(
        default=False,
        description="tell everybody what is withdrawn, by opaque ids: no reason, no person, no licensee",
    )
    objections: ObjectionsWord = Field(
        default="note", description="note: an objection waits for you; hold: sales of the page stop at once"
    )

    def redress(self) -> Redress:
        """As the policy holds it."""
        return Redress(self.public_feed, self.objections == "hold")
