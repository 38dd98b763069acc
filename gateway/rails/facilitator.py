"""The client of an x402 facilitator: it says whether a payment holds, and moves the money.

x402 specification v2, section 7 (x402-foundation/x402, 2026-08): ``POST
/verify``, ``POST /settle`` and ``GET /supported``. A facilitator may be down, late, or wrong, and
it may lie; what it says counts only where it speaks of this very payment:

=========================== ======================= ==========================
it                          when verifying          when settling
=========================== ======================= ==========================
says yes, and nothing else  `Verified`              `Moved`
contradicts
says no                     `Invalid`               `NotMoved`
says yes for another payer, `Unsure`                `Unclear`
network or amount
is late, breaks off, 5xx,   `Unsure`                `Unclear`
no JSON
was never reached, 4xx      `Unsure`                `Unreached`
=========================== ======================= ==========================

After `Unclear` the money may have moved: whoever asked must not ask the payer
again. Whether a token moves at a correct facilitator depends on its nonce, so
asking again for the same payment moves nothing twice, but a no is then no news.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from gateway.egress import Get, Posted, Unfetched
from gateway.rails.x402 import VERSION, Presented, Requirement

#: Seconds for a yes or no, and for the money to move.
VERIFY_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 30.0
_LIMIT: Final = 64 * 1024
#: A no that does not say whether the money moved.
_OPEN: Final = frozenset({"settlement_pending", "unexpected_settle_error"})


class Post(Protocol):
    """The guarded way out, as `egress.Egress.post` is one."""

    def __call__(self, url: str, body: bytes, *, limit: int, seconds: float) -> Awaitable[Posted | Unfetched]:
        """POST JSON, or say why nothing came back."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """The payment holds."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """It does not, for *reason*: a word of the specification where the facilitator uses one."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """Nobody said; *why* is for the operator."""

    why: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The money moved, in *transaction*."""

    transaction: str


@dataclass(frozen=True, slots=True)
class NotMoved:
    """It did not, for *reason*."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """It may have; *why* is for the operator."""

    why: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """Nobody was asked: the payment is as good as before. *why* is for the operator."""

    why: str


class Facilitator:
    """Asks the facilitator at a URL. Raises nothing."""

    def __init__(self, post: Post, verify: Post | None = None) -> None:
        """Ask by *post*, and where *verify* is given by that whether a payment holds: strangers cause those."""
        self._post, self._verify = post, verify or post

    async def verify(self, url: str, presented: Presented, asked: Requirement) -> Verified | Invalid | Unsure:
        """Ask whether *presented* pays *asked*."""
        answer = await self._asked(self._verify, f"{url}/verify", presented, asked, VERIFY_SECONDS)
        if isinstance(answer, Unfetched):
            return Unsure(f"{answer.why} {answer.detail}".strip())
        said = _object(answer.body)
        match said.get("isValid"):
            case True if answer.status == 200:
                other = _other(said.get("payer"), presented.authorization.payer)
                return Unsure("it verified another payer") if other else Verified()
            case False if answer.status < 500:
                return Invalid(_reason(said.get("invalidReason"), "invalid_payload"))
        return Unsure(f"status {answer.status} without an answer")

    async def settle(
        self, url: str, presented: Presented, asked: Requirement
    ) -> Moved | NotMoved | Unclear | Unreached:
        """Have *presented* move what *asked* says."""
        answer = await self._asked(self._post, f"{url}/settle", presented, asked, SETTLE_SECONDS)
        if isinstance(answer, Unfetched):
            why = f"{answer.why} {answer.detail}".strip()
            return Unclear(why) if answer.sent else Unreached(why)
        said = _object(answer.body)
        match said.get("success"):
            case True if answer.status == 200:
                return _moved(said, presented, asked)
            case False if answer.status < 500:
                reason = _reason(said.get("errorReason"), "unexpected_settle_error")
                return Unclear(reason) if reason in _OPEN or said.get("transaction") else NotMoved(reason)
        why = f"status {answer.status} without an answer"
        return Unreached(why) if 400 <= answer.status < 500 and not said else Unclear(why)

    async def _asked(
        self, post: Post, url: str, presented: Presented, asked: Requirement, seconds: float
    ) -> Posted | Unfetched:
        body = {
            "x402Version": VERSION,
            "paymentPayload": presented.content,
            "paymentRequirements": asked.as_json(),
        }
        return await post(url, orjson.dumps(body), limit=_LIMIT, seconds=seconds)


async def supports(get: Get, url: str, network: str) -> bool | None:
    """Whether the facilitator at *url* says that it settles ``exact`` on *network*; None where it says nothing."""
    answer = await get(f"{url}/supported")
    said = {} if isinstance(answer, Unfetched) else _object(answer.body)
    kinds = said.get("kinds")
    if not isinstance(kinds, list):
        return None
    wanted = {"x402Version": VERSION, "scheme": "exact", "network": network}
    return any(isinstance(kind, dict) and wanted.items() <= kind.items() for kind in kinds)


def _moved(said: dict[str, Any], presented: Presented, asked: Requirement) -> Moved | Unclear:
    transaction = said.get("transaction")
    if not isinstance(transaction, str) or not transaction or not _plain(transaction):
        return Unclear("it settled without a transaction")
    for name, ours in (
        ("payer", presented.authorization.payer),
        ("network", asked.network),
        ("amount", asked.amount),
    ):
        if _other(said.get(name), ours):
            return Unclear(f"it settled with another {name}")
    return Moved(transaction)


def _other(given: object, ours: str) -> bool:
    """Whether *given* is there and says something else than *ours*."""
    return given is not None and (not isinstance(given, str) or given.lower() != ours.lower())


def _reason(given: object, otherwise: str) -> str:
    return given if isinstance(given, str) and given and _plain(given) else otherwise


def _plain(text: str) -> bool:
    return len(text) <= 120 and text.isascii() and text.isprintable()


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
