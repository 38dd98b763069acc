"""What happened to one request, written down: the record, its detail, its salt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from gateway.admission.admit import Grant
from gateway.admission.owed import Owed, unit_of
from gateway.ask import Ask
from gateway.front.answer import Judged, Notice
from gateway.licenses.pricing import cheapest
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.problems import Problem, Refusal
from gateway.provenance.record import RECORD_VERSION, Ended, FetchDetail, FetchRecord, Outcome, make_fetch
from gateway.provenance.salts import fresh_salt
from gateway.uses import Uses
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

    *due* is what it owes under a license; *failure* is why the origin gave
    nothing although the request was granted.
    """
    salt = fresh_salt()
    detail = _detail(ask, judged.visitor)
    visitor, verdict, ruling, site = judged.visitor, judged.verdict, judged.ruling, judged.policy.site
    crawler = visitor.crawler
    grant = verdict if isinstance(verdict, Grant) else None
    refusal = verdict if isinstance(verdict, Refusal) else failure
    claims, charge = judged.claims, grant.charge if grant else None
    quote = grant.quote if grant else _quoted(judged)
    price = charge.price if charge else quote
    # Plain words, in the order of their names: so they are written without a second look.
    record = make_fetch(
        bytes_sent=delivery.bytes_sent,
        charge_reason=due.reason if due else "",
        charged_micros=due.money.micros if due else 0,
        client=claims.client if claims else "",
        content_type=_printable(delivery.content_type)[:128],
        country=ask.country,
        country_basis=ask.country_basis,
        crawler=crawler.name if crawler else "",
        currency=price.currency if price else site.currency,
        detail=detail.commitment(salt),
        digest=delivery.digest,
        duration_us=max(0, ended_us - ask.asked_at_us),
        ended=str(delivery.ended),
        etag=_printable(delivery.etag)[:128],
        host=ask.origin.partition("://")[2],
        id=ask.id,
        identity=str(visitor.identity),
        identity_method=str(visitor.method),
        license=claims.license if claims else "",
        licensee=claims.licensee if claims else "",
        method=ask.method,
        mode=str(site.mode),
        operator=crawler.operator if crawler else "",
        outcome=str(_outcome(judged, delivery)),
        path=ask.path or _printable(ask.target.partition("?")[0]),
        policy=judged.policy.digest,
        price_micros=charge.price.micros if charge else 0,
        problem=refusal.code if refusal else "",
        quote_micros=quote.micros if quote else 0,
        rendition=ruling.rendition if ruling else "",
        rule=ruling.rule if ruling else _notice_rule(verdict),
        site=ask.site,
        status=delivery.status,
        terms=claims.terms if claims else "",
        time_us=ask.asked_at_us,
        token=claims.token_id if claims else "",
        unit=unit_of(claims.licensee, ask) if claims else "",
        uses=_words(grant.uses if grant else visitor.uses),
        v=RECORD_VERSION,
        verdict=str(ruling.verdict) if ruling else "serve",
        visitor_class=str(visitor.visitor_class),
        work=ruling.work if ruling else "",
        would=grant.would.code if grant and grant.would else "",
    )
    return Remembered(record, detail, salt)


def flood_of(ask: Ask, judged: Judged, status: int) -> tuple[str, str, tuple[str, str, str, int], int]:
    """What makes a refusal one of a flood (`provenance.floods.Floods.alone`)."""
    verdict, visitor = judged.verdict, judged.visitor
    code = verdict.code if isinstance(verdict, Refusal) else ""
    return ask.site, ask.address, (visitor.name, str(visitor.visitor_class), code, status), ask.asked_at_us


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


@lru_cache(maxsize=1024)
def _words(uses: Uses) -> tuple[str, ...]:
    return tuple(sorted(map(str, uses)))


def _notice_rule(verdict: Grant | Refusal | Notice) -> str:
    return f"control-file {verdict.name}" if isinstance(verdict, Notice) else ""


def _printable(text: str) -> str:
    """*text* as canonical JSON can hold it: lone surrogates from odd octets are spelled out."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _detail(ask: Ask, visitor: Visitor) -> FetchDetail:
    return FetchDetail(
        address=ask.address,
        peer=ask.peer,
        user_agent=_printable(ask.user_agent[:1024]),
        referer=_printable(ask.header("referer")[:1024]),
        query=_printable(ask.query[:4096]),
        evidence=(*map(_printable, visitor.reasons), f"confidence:{visitor.confidence:.2f}"),
    )
