"""What happened to one request, written down: the record, its detail, its salt."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from gateway.admission.admit import Grant, cheapest
from gateway.admission.owed import Owed, unit_of
from gateway.ask import Ask
from gateway.front.answer import Judged, Notice
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.problems import Problem, Refusal
from gateway.provenance.record import SALT_BYTES, Ended, FetchDetail, FetchRecord, Outcome
from gateway.visitors.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Remembered:
    """A record with the personal detail it commits to, and the detail's salt."""

    record: FetchRecord
    detail: FetchDetail
    detail_salt: bytes


class Tally:
    """Counts and digests a body as it passes. *length* is the announced length, or -1."""

    __slots__ = ("_digest", "bytes_sent", "length")

    def __init__(self, length: int = -1) -> None:
        """Start with nothing sent."""
        self.bytes_sent = 0
        self.length = length
        self._digest = hashlib.sha256()

    def add(self, chunk: bytes) -> None:
        """Count *chunk* as sent."""
        self.bytes_sent += len(chunk)
        self._digest.update(chunk)

    def hexdigest(self) -> str:
        """SHA-256 of everything counted, in hex."""
        return self._digest.hexdigest()


def remember(
    ask: Ask,
    judged: Judged,
    delivery: Delivery,
    *,
    ended_us: int,
    due: Owed | None = None,
    failure: Refusal | None = None,
) -> Remembered:
    """Write down one request.

    *due* is what it owes where it passed under a license; *failure* is why the
    origin gave nothing although the request was granted.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    detail = _detail(ask, judged.visitor)
    visitor, verdict, ruling = judged.visitor, judged.verdict, judged.ruling
    grant = verdict if isinstance(verdict, Grant) else None
    claims = judged.claims
    charge = grant.charge if grant else None
    quote = grant.quote if grant else _quoted(judged)
    price = charge.price if charge else quote or Money(0, judged.policy.site.currency)
    record = FetchRecord(
        id=ask.id,
        time_us=ask.asked_at_us,
        duration_us=max(0, ended_us - ask.asked_at_us),
        site=ask.site,
        host=ask.origin.partition("://")[2],
        method=ask.method,
        path=ask.path or _printable(ask.target.partition("?")[0]),
        visitor_class=visitor.visitor_class,
        crawler=visitor.name,
        operator=visitor.operator,
        identity=visitor.identity,
        identity_method=visitor.method,
        verdict=ruling.verdict if ruling else "serve",
        rule=ruling.rule if ruling else _notice_rule(verdict),
        policy=judged.policy.digest,
        mode=judged.policy.site.mode,
        outcome=_outcome(judged, delivery),
        problem=verdict.code if isinstance(verdict, Refusal) else failure.code if failure else "",
        would=grant.would.code if grant and grant.would else "",
        status=delivery.status,
        bytes_sent=delivery.bytes_sent,
        digest=delivery.digest,
        content_type=_printable(delivery.content_type)[:128],
        etag=_printable(delivery.etag)[:128],
        ended=delivery.ended,
        detail=detail.commitment(salt),
        licensee=claims.licensee if claims else "",
        client=claims.client if claims else "",
        license=claims.license if claims else "",
        token=claims.token_id if claims else "",
        terms=claims.terms if claims else "",
        uses=tuple(sorted(grant.uses)) if grant else tuple(sorted(visitor.uses)),
        work=ruling.work if ruling else "",
        rendition=ruling.rendition if ruling else "",
        country=ask.country,
        country_basis=ask.country_basis,
        currency=price.currency,
        price_micros=charge.price.micros if charge else 0,
        quote_micros=quote.micros if quote else 0,
        charged_micros=due.money.micros if due else 0,
        charge_reason=due.reason if due else "",
        unit=unit_of(claims.licensee, ask) if claims else "",
    )
    return Remembered(record, detail, salt)


def _quoted(judged: Judged) -> Money | None:
    """The price that a refusal named, if it was for want of a license."""
    refused = isinstance(judged.verdict, Refusal) and judged.verdict.problem is Problem.LICENSE_REQUIRED
    offer = cheapest(judged.ruling.offers, judged.visitor.uses) if refused and judged.ruling else None
    return offer.price if offer else None


def _outcome(judged: Judged, delivery: Delivery) -> Outcome:
    verdict = judged.verdict
    if isinstance(verdict, Refusal):
        return Outcome.REFUSED if delivery.ended is Ended.REFUSED else Outcome.FAILED
    if isinstance(verdict, Notice):
        return Outcome.FREE
    if delivery.ended in {Ended.ORIGIN, Ended.GATEWAY} or delivery.status in {502, 503, 504}:
        return Outcome.FAILED
    if verdict.charge:
        return Outcome.LICENSED
    return Outcome.OPEN if verdict.would or verdict.quote else Outcome.FREE


def _notice_rule(verdict: Grant | Refusal | Notice) -> str:
    return f"control-file {verdict.name}" if isinstance(verdict, Notice) else ""


def _printable(text: str) -> str:
    """*text* as canonical JSON can hold it: lone surrogates from odd octets are spelled out."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _detail(ask: Ask, visitor: Visitor) -> FetchDetail:
    return FetchDetail(
        address=ask.address,
        peer=ask.peer,
        user_agent=_printable(ask.user_agent[:1024]),
        referer=_printable(ask.header("referer")[:1024]),
        query=_printable(ask.query[:4096]),
        evidence=tuple(_printable(reason) for reason in visitor.reasons),
    )
