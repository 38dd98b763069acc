"""What happened to one request, written down: the record, its detail, its salt."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.admission.admit import Grant
from gateway.admission.owed import Owed, unit_of
from gateway.ask import Ask
from gateway.front.answer import Judged, Notice
from gateway.licenses.pricing import cheapest
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.problems import Problem, Refusal
from gateway.provenance.fetch_form import FetchForm
from gateway.provenance.record import RECORD_VERSION, Ended, FetchDetail, FetchRecord, Outcome, make_fetch
from gateway.provenance.salts import fresh_salt
from gateway.uses import Uses
from gateway.visitors.visitor import Visitor

#: Forms of licensed fetches that are held at once.
_FORMS: Final = 1024
#: `hashlib` lets other threads run for what is longer than this. The thread that writes the journal then takes its turn,
#: and a page costs more in waiting for ours than in digesting: up to `_SLICED` octets are digested in slices.
_UNLOCKED: Final = 2047
_SLICED: Final = 16 * 1024
#: The key under which `HeaderFields.kept` has the last detail of those very fields.
_DETAIL: Final = "detail"


class Remembered(NamedTuple):
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
        size = len(chunk)
        self.bytes_sent += size
        if _UNLOCKED < size <= _SLICED:
            for at in range(0, size, _UNLOCKED):
                self._digest.update(chunk[at : at + _UNLOCKED])
        else:
            self._digest.update(chunk)

    def hexdigest(self) -> str:
        """SHA-256 of everything counted, in hex."""
        return self._digest.hexdigest()


def body_digest(whole: bytes) -> str:
    """SHA-256 of a whole body, in hex."""
    tally = Tally()
    tally.add(whole)
    return tally.hexdigest()


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
    if judged.claims is not None and due is not None and failure is None and ask.path:
        return Remembered(
            _filled(ask, judged, delivery, ended_us, due, detail.commitment(salt)), detail, salt
        )
    return Remembered(
        _whole(ask, judged, delivery, ended_us, due, failure, detail.commitment(salt)), detail, salt
    )


def _filled(
    ask: Ask, judged: Judged, delivery: Delivery, ended_us: int, due: Owed, detail: str
) -> FetchRecord:
    """A licensed fetch as `_whole` writes it, by a form where one like it was written before."""
    policy, visitor, ruling, grant, _, claims, _ = judged
    if ruling is None or claims is None or not isinstance(grant, Grant) or grant.charge is None:
        return _whole(ask, judged, delivery, ended_us, due, None, detail)
    # Whatever else the record says is told by these, each found again as the very same object, or its equal.
    kept = (
        policy, claims, ruling.verdict, ruling.rule, ruling.rendition, ruling.work, visitor.crawler,
        visitor.identity, visitor.method, visitor.visitor_class, grant.uses, grant.would, grant.quote,
        grant.charge.price, delivery.status, delivery.ended, delivery.content_type,
        ask.site, ask.origin, ask.method, ask.country, ask.country_basis,
    )  # fmt: skip
    seen = (id(claims), ruling.work, ruling.rendition, delivery.status, ask.method)
    form = _forms.get(seen)
    if form is None or form.kept != kept:
        record = _whole(ask, judged, delivery, ended_us, due, None, detail)
        if len(_forms) >= _FORMS:
            _forms.clear()
        _forms[seen] = FetchForm(record, kept)
        return record
    return form.filled(
        bytes_sent=delivery.bytes_sent,
        charge_reason=due.reason,
        charged_micros=due.money.micros,
        detail=detail,
        digest=delivery.digest,
        duration_us=max(0, ended_us - ask.asked_at_us),
        etag=_printable(delivery.etag)[:128],
        id=ask.id,
        path=ask.path,
        time_us=ask.asked_at_us,
        unit=unit_of(claims.licensee, ask, grant.charge.stream),
    )


_forms: dict[tuple[object, ...], FetchForm] = {}


def _whole(
    ask: Ask,
    judged: Judged,
    delivery: Delivery,
    ended_us: int,
    due: Owed | None,
    failure: Refusal | None,
    detail: str,
) -> FetchRecord:
    """The record, member by member."""
    visitor, verdict, ruling, site = judged.visitor, judged.verdict, judged.ruling, judged.policy.site
    crawler = visitor.crawler
    grant = verdict if isinstance(verdict, Grant) else None
    refusal = verdict if isinstance(verdict, Refusal) else failure
    claims, charge = judged.claims, grant.charge if grant else None
    quote = grant.quote if grant else _quoted(judged)
    price = charge.price if charge else quote
    # Plain words, in the order of their names: so they are written without a second look.
    return make_fetch(
        bytes_sent=delivery.bytes_sent,
        charge_reason=due.reason if due else "",
        charged_micros=due.money.micros if due else 0,
        client=claims.client if claims else "",
        content_type=_printable(delivery.content_type)[:128],
        country=ask.country,
        country_basis=ask.country_basis,
        crawler=crawler.name if crawler else "",
        currency=price.currency if price else site.currency,
        detail=detail,
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
        unit=unit_of(claims.licensee, ask, charge.stream if charge else "") if claims else "",
        uses=_words(grant.uses if grant else visitor.uses),
        v=RECORD_VERSION,
        verdict=str(ruling.verdict) if ruling else "serve",
        visitor_class=str(visitor.visitor_class),
        work=ruling.work if ruling else "",
        would=grant.would.code if grant and grant.would else "",
    )


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
    """What is personal of *ask*; the same object for the same, so that its octets are written once."""
    kept = ask.headers.kept  # type: ignore[attr-defined]
    seen = (ask.address, ask.peer, ask.query, visitor.reasons, visitor.confidence)
    found: tuple[object, FetchDetail] | None = kept.get(_DETAIL)
    if found is None or found[0] != seen:
        found = kept[_DETAIL] = seen, _written(ask, visitor)
    return found[1]


def _written(ask: Ask, visitor: Visitor) -> FetchDetail:
    return FetchDetail(
        address=ask.address,
        peer=ask.peer,
        user_agent=_printable(ask.user_agent[:1024]),
        referer=_printable(ask.header("referer")[:1024]),
        query=_printable(ask.query[:4096]),
        evidence=(*map(_printable, visitor.reasons), f"confidence:{visitor.confidence:.2f}"),
    )
