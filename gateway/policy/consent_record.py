"""The record of a policy being put in force: who said yes, when, to which words, and what stands since. Pure.

Offers and contracts name its id. It is an entry of the journal like a fetch, so
whoever holds it can prove that it was there, and when. Who said yes stands in it
as a commitment; its name and salt are kept apart and can be erased.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass

from gateway.policy.consent_grid import grid_of
from gateway.policy.consent_words import cells
from gateway.policy.reading import stance_text
from gateway.policy.rules import Policy
from gateway.provenance.consent_note import ConsentNote, consent_of_whom


@dataclass(frozen=True, slots=True)
class Activation:
    """How a text was put in force: through what, by whom ("" is not known), and after which words."""

    through: str
    who: str = ""
    words: tuple[str, ...] = ()


def consent_note(
    policy: Policy, text: str, activation: Activation, *, before: str, id: str, time_us: int, salt: bytes
) -> ConsentNote:
    """The record that *policy*, read from *text*, was put in force at *time_us* in place of the digest *before*.

    *salt*, `record.SALT_BYTES` random octets, opens who it was.
    """
    raw = tomllib.loads(text)
    grid = grid_of(policy, raw, tomllib.loads(stance_text(policy.stance)))
    return ConsentNote(
        id=id,
        time_us=time_us,
        site=policy.site.id,
        policy=policy.digest,
        before=before,
        through=activation.through,
        text=hashlib.sha256(text.encode()).hexdigest(),
        who=consent_of_whom(activation.who, salt),
        words=activation.words,
        cells=cells(grid, policy.site.currency),
    )
