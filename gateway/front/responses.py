"""What answers look like: a refusal, a control file, the headers of the origin's answer.

The one place where refusals become bytes. Pure; what is refused alike is written
once and filled in for each request. No header value can hold a line break,
whatever the policy, the request or the creator's server says.

========== ==================================================================
refusal    RFC 9457 problem details, or a page where a browser asks; never
           stored, and different for every credential and visitor
notice     one file for everybody, with a strong entity tag
origin     people, and everybody under `observe`: untouched. Licensed:
           ``private, no-store`` and the fields below. Other automata:
           where the terms are, and in `offer` the price
========== ==================================================================

What a licensed answer tells of itself:

================= ===========================================================
``Licet-Record``  the id under which the fetch is in the journal
``Licet-Price``   the most that it can cost
``Licet-Terms``   the hash of the terms it is under, as in token and contract
``Licet-Receipt`` where its proof soon is, for clients that log in to the desk
================= ===========================================================
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import orjson

from gateway.admission.admit import Grant
from gateway.ask import Ask
from gateway.front.accepting import language_of, reads_html
from gateway.front.answer import Answer, Judged, Notice
from gateway.front.preference_fields import both, preference_fields
from gateway.front.refusal_page import refusal_page
from gateway.languages import speak, spoken
from gateway.licenses.pricing import cheapest
from gateway.money import Money
from gateway.origin.delivery import OriginAnswer
from gateway.paper import CONTENT_SECURITY
from gateway.policy.rules import Mode, Policy
from gateway.problems import Problem, Refusal
from gateway.rails.rail import Challenge, Headers, Quote, Rail, sold_by_fetch
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.payment_required import (
    PROBLEM_PATH,
    absolute,
    bounded,
    challenges,
    crawler_price,
    problem_body,
)
from gateway.terms.remediation import remediation
from gateway.terms.rsl import MEDIA_TYPE
from gateway.visitors.visitor import Identity, Method

#: Where it is in doubt where the request ends, or whether more of it comes.
_UNFRAMED: Final = frozenset(
    {
        Problem.BAD_REQUEST, Problem.REQUEST_TIMEOUT, Problem.TOO_LARGE, Problem.URI_TOO_LONG,
        Problem.HEADERS_TOO_LARGE, Problem.UNSUPPORTED_CODING, Problem.VERSION_NOT_SUPPORTED,
    }
)  # fmt: skip
#: Request headers that every refusal varies by; those that a rail reads come behind them.
_VARY: Final = ("authorization", "accept", "user-agent", "signature-agent")
#: Octets of one line that a rail may add to a 402; a longer one is left out.
LONGEST_LINE: Final = 2048
#: Answers that a signature could change: 401 and 402, 403 for want of proof, 429 for a used signature.
_SIGNABLE: Final = frozenset({401, 402, 403, 429})
#: What a signature must cover where it is sent.
_PAYING: Final = (
    "authorization",
    "crawler-exact-price",
    "crawler-max-price",
    "payment-signature",
    "x-payment",
    "dpop",
)
#: What a cache between us and the crawler might believe instead of ours, and what only we may say.
_REPLACED: Final = frozenset(
    {
        "cache-control", "expires", "pragma", "cdn-cache-control", "cloudflare-cdn-cache-control",
        "surrogate-control", "licet-record", "licet-price", "licet-terms", "licet-receipt", "crawler-price",
        "crawler-charged", "crawler-error", "payment-required", "payment-response",
    }
)  # fmt: skip
#: What a server says to us alone, where it may name prices.
_OURS: Final = frozenset({"crawler-price"})


def refused(
    refusal: Refusal,
    ask: Ask | None,
    judged: Judged | None,
    terms: PublishedTerms | None,
    rails: tuple[Rail, ...] = (),
    more: Headers = (),
) -> Answer:
    """The answer that tells *refusal*.

    *ask* and *judged* are None where the request did not get that far, *terms*
    where there is no site. A 402 tells how to pay by each of *rails*. *more*
    are headers of this very answer. ``Content-Length`` is always there; a HEAD
    has no body.
    """
    if ask is not None and judged is not None and terms is not None and not more:
        form = _form_of(refusal, ask, judged, terms, rails)
        if form is not None:
            return form.filled(ask)
    return _refused(refusal, ask, judged, terms, rails, more)


def _refused(
    refusal: Refusal,
    ask: Ask | None,
    judged: Judged | None,
    terms: PublishedTerms | None,
    rails: tuple[Rail, ...] = (),
    more: Headers = (),
) -> Answer:
    """The answer, written for this request alone."""
    answer, encoded = _written(refusal, ask, judged, terms, rails)
    answer.headers += tuple((name, b64encode(octets).decode()) for name, octets in encoded)
    answer.headers += tuple((name, _line(value)) for name, value in more)
    return answer


def _written(
    refusal: Refusal,
    ask: Ask | None,
    judged: Judged | None,
    terms: PublishedTerms | None,
    rails: tuple[Rail, ...],
) -> tuple[Answer, tuple[tuple[str, bytes], ...]]:
    """The answer, and the octets of headers that are told as their base64."""
    offers = judged.ruling.offers if judged and judged.ruling else ()
    uses = judged.visitor.uses if judged else frozenset()
    quoted = cheapest(offers, uses)
    paying = _challenged(refusal, ask, judged, terms, rails)
    body = problem_body(
        refusal,
        type_base=(terms.origin if terms else "") + PROBLEM_PATH,
        offers=offers,
        uses=uses,
        terms=terms,
        request_url=_url(ask, terms),
        quoted=quoted,
        instance=f"urn:uuid:{ask.id}" if ask and ask.id else "",
        members=paying.members,
    )
    paged = ask is not None and reads_html(ask, judged)
    if paged and ask is not None:
        speak(language_of(ask), ask.query)
        about = (terms.name, terms.contact) if terms else ("", "")
        octets = refusal_page(body, site=about[0], contact=about[1], target=ask.target)
        media = "text/html; charset=utf-8"
    else:
        octets, media = orjson.dumps(body), "application/problem+json"
    headers = [("Content-Type", media), ("Content-Length", str(len(octets)))]
    headers += [
        ("Cache-Control", "no-store"),
        ("Vary", _vary(rails, paged=paged)),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if paged:
        headers += [("Content-Security-Policy", CONTENT_SECURITY), ("X-Robots-Tag", "noindex")]
        headers.append(("Content-Language", spoken().code))
    if refusal.retry_after > 0:
        headers.append(("Retry-After", str(refusal.retry_after)))
    headers += [("Allow", _line(value)) for name, value in refusal.facts if name == "allow"]
    headers += [("DPoP-Nonce", _line(value)) for name, value in refusal.facts if name == "dpop_nonce"]
    remedy = remediation(refusal, quoted, uses, ask.country if ask else "")
    headers += [("WWW-Authenticate", value) for value in challenges(refusal, terms, remedy)]
    if terms is not None and refusal.problem.license_error:
        headers.append(_license_link(terms))
    headers += paying.headers
    if (asked := _accept_signature(refusal, ask, judged)) and ask is not None:
        headers.append(("Accept-Signature", asked))
    if refusal.problem.crawler_error and not (judged and judged.visitor.is_person):
        headers.append(("Crawler-Error", refusal.problem.crawler_error))
    answer = Answer(
        refusal.status,
        HTTPStatus(refusal.status).phrase,
        tuple(headers),
        whole=b"" if ask is not None and ask.method == "HEAD" else octets,
        close=refusal.problem in _UNFRAMED,
    )
    return answer, paying.encoded


def _challenged(
    refusal: Refusal,
    ask: Ask | None,
    judged: Judged | None,
    terms: PublishedTerms | None,
    rails: tuple[Rail, ...],
) -> Challenge:
    """How to pay for this one fetch, by every one of *rails* that is for it: the lines and members of all."""
    if refusal.status != 402 or judged is None or judged.ruling is None or terms is None:
        return _NO_WAY
    offer = sold_by_fetch(judged.ruling.offers, judged.visitor)
    if offer is None:
        return _NO_WAY
    url = bounded(_url(ask, terms), terms)
    quote = Quote(judged.policy, offer, refusal.price or offer.price, terms, url)
    told = [each for rail in rails if (each := rail.challenge(refusal, quote)) is not None]
    headers = [(name, _line(value)) for each in told for name, value in each.headers]
    encoded = [line for each in told for line in each.encoded]
    return Challenge(
        tuple(line for line in headers if len(line[0]) + len(line[1]) + 4 <= LONGEST_LINE),
        tuple(line for line in encoded if len(line[0]) + (len(line[1]) + 2) // 3 * 4 + 4 <= LONGEST_LINE),
        {name: member for each in told for name, member in each.members.items()},
    )


_NO_WAY: Final = Challenge()


def _vary(rails: tuple[Rail, ...], *, paged: bool) -> str:
    spoken_in = ("accept-language",) if paged else ()
    names = dict.fromkeys((*_VARY, *spoken_in, *(name for rail in rails for name in rail.reads)))
    return ", ".join(name.title() for name in names)


class _Form:
    """A refusal written once, with blanks for the request's id and its URL.

    Two requests that are refused alike differ in these alone; headers that are
    told as base64 are filled in before. *kept* holds on to what the form was
    made of, because it is found by identity.
    """

    __slots__ = ("_answer", "_encoded", "_head", "_parts", "kept")

    def __init__(
        self, answer: Answer, encoded: tuple[tuple[str, bytes], ...], kept: tuple[object, ...]
    ) -> None:
        """Cut *answer*, which was made for `_BLANK_ID` and `_BLANK_PATH`, at its blanks, and *encoded* too."""
        self._encoded = [(f"\r\n{name}: ".encode("ascii"), _BLANKS.split(octets)) for name, octets in encoded]
        lines = [f"{name}: {value}" for name, value in answer.headers if name != "Content-Length"]
        head = [f"HTTP/1.1 {answer.status} {answer.reason}", *lines, "Content-Length: "]
        self._answer = answer
        self._head = "\r\n".join(head).encode("ascii")
        self._parts = _BLANKS.split(answer.whole)
        self.kept = kept

    def filled(self, ask: Ask) -> Answer:
        """The answer to *ask*, whose target is plain."""
        target = ask.target[1:].encode("ascii")
        fills = {
            _BLANK_ID: ask.id.encode("ascii"),
            _BLANK_TARGET: target,
            _BLANK_PATH: target.partition(b"?")[0],
        }
        octets = b"".join([fills.get(part, part) for part in self._parts])
        length = len(octets)
        head = self._head + b"%d" % length
        for name, parts in self._encoded:
            head += name + b64encode(b"".join([fills.get(part, part) for part in parts]))
        blank = self._answer
        return Answer(blank.status, "", (), close=blank.close, whole=octets, head=head, length=length)


_BLANK_ID: Final = b"00000000-0000-7000-8000-000000000000"
_BLANK_PATH: Final = b"licet-blank-path"
_BLANK_TARGET: Final = _BLANK_PATH + b"?licet-blank-query"
_BLANKS: Final = re.compile(b"(" + b"|".join(map(re.escape, (_BLANK_ID, _BLANK_TARGET, _BLANK_PATH))) + b")")
#: Targets that JSON, a URL and a shell word hold as they stand.
_PLAIN: Final = re.compile(r"/[A-Za-z0-9/._-]{0,300}(?:\?[A-Za-z0-9/._=&-]{1,150})?", re.ASCII)
_FORMS: Final = 1024
#: The key under which `HeaderFields.kept` has what a signature should cover.
_COVERED: Final = "accept-signature"
_forms: dict[tuple[object, ...], _Form] = {}


def _form_of(
    refusal: Refusal, ask: Ask, judged: Judged, terms: PublishedTerms, rails: tuple[Rail, ...]
) -> _Form | None:
    """The form for *ask*, or None where it must be answered in full."""
    if ask.method == "HEAD" or _PLAIN.fullmatch(ask.target) is None or reads_html(ask, judged):
        return None
    asks = "?" in ask.target
    seen = (
        id(judged.ruling), id(terms), refusal.code, refusal.detail, refusal.retry_after, refusal.facts,
        refusal.price, id(rails), id(judged.visitor), asks, _signed_with(ask),
    )  # fmt: skip
    form = _forms.get(seen)
    if form is None:
        if len(_forms) >= _FORMS:
            _forms.clear()
        blank = "/" + (_BLANK_TARGET if asks else _BLANK_PATH).decode()
        blanked = replace(ask, id=_BLANK_ID.decode(), target=blank)
        answer, encoded = _written(refusal, blanked, judged, terms, rails)
        form = _forms[seen] = _Form(answer, encoded, (judged.ruling, judged.visitor, terms, rails))
    return form


def told(notice: Notice, ask: Ask) -> Answer:
    """The answer that tells a control file: 200, or 304 where the client has it already."""
    kept = [("ETag", _line(notice.etag)), ("Cache-Control", f"public, max-age={notice.max_age}")]
    if _has_it(ask, notice.etag):
        return Answer(304, "Not Modified", tuple(kept))
    headers = (
        ("Content-Type", _line(notice.media_type)),
        ("Content-Length", str(len(notice.body))),
        *kept,
        ("X-Content-Type-Options", "nosniff"),
    )
    return Answer(200, "OK", headers, whole=b"" if ask.method == "HEAD" else notice.body)


def passed(opened: OriginAnswer, policy: Policy, less: frozenset[str] = frozenset()) -> bytes:
    """Status line and fields as the origin wrote them, but for what it says to us alone, and *less*."""
    if policy.payments.origin_prices:
        less = both(_OURS, less)
    return opened.head_without(less) if less else opened.head


def committed(
    opened: OriginAnswer, ask: Ask, judged: Judged, terms: PublishedTerms, paid: Headers = ()
) -> bytes:
    """Status line and fields under which the origin's answer goes out, without the empty line.

    *paid* are the fields of a rail that settled for it.
    """
    grant, mode = judged.verdict, judged.policy.site.mode
    if judged.visitor.is_person or mode is Mode.OBSERVE or not isinstance(grant, Grant):
        return passed(opened, judged.policy)
    preferences, less = preference_fields(opened, ask, judged, terms)
    link = preferences + _linked(terms.license_url)
    if grant.charge is not None:
        claims, due = judged.claims, grant.charge.due
        price = grant.charge.price if due is None else due
        record = _line(ask.id).encode("ascii")
        bought = _bought(price.micros, price.currency, claims.terms if claims is not None else "")
        if claims is not None and claims.client:
            bought += _receipts(claims.issuer) + record
        for name, value in paid:
            link += f"\r\n{name}: {_line(value)}".encode("ascii")
        return b"%b\r\nCache-Control: private, no-store\r\nLicet-Record: %b%b%b" % (
            opened.head_without(both(_REPLACED, less)), record, bought, link,
        )  # fmt: skip
    if mode is Mode.OFFER and judged.policy.payments.price_headers:
        sold = sold_by_fetch(grant.offers, judged.visitor)
        if sold is not None:
            link += b"\r\nCrawler-Price: " + _priced(sold.price.micros, sold.price.currency)
    return passed(opened, judged.policy, less) + link


@lru_cache(maxsize=1024)
def _priced(micros: int, currency: str) -> bytes:
    return crawler_price(Money(micros, currency)).encode("ascii")


@lru_cache(maxsize=1024)
def _bought(micros: int, currency: str, terms: str) -> bytes:
    told = b"\r\nLicet-Price: " + _priced(micros, currency)
    return told + f"\r\nLicet-Terms: {_line(terms)}".encode("ascii") if terms else told


@lru_cache(maxsize=1024)
def _receipts(issuer: str) -> bytes:
    return f"\r\nLicet-Receipt: {absolute(issuer)}/receipts/".encode("ascii")


@lru_cache(maxsize=1024)
def _linked(license_url: str) -> bytes:
    return f'\r\nLink: <{absolute(license_url)}>; rel="license"; type="{MEDIA_TYPE}"'.encode("ascii")


def _accept_signature(refusal: Refusal, ask: Ask | None, judged: Judged | None) -> str:
    """What to sign (RFC 9421, section 5.1), where a signature could change the answer; "" elsewhere.

    Whoever names its agent in the older form is asked for that form.
    """
    if ask is None or judged is None or refusal.status not in _SIGNABLE:
        return ""
    visitor = judged.visitor
    replayed = refusal.problem is Problem.SIGNATURE_REPLAYED
    if not replayed:
        if visitor.crawler is None or (
            visitor.method is Method.SIGNATURE and visitor.identity is Identity.VERIFIED
        ):
            return ""
        if refusal.status == 403 and refusal.problem is not Problem.IDENTITY_NOT_PROVEN:
            return ""
    nonce = ";nonce" if replayed else ""
    return f'sig1=({_signed_with(ask)});created;expires;keyid{nonce};tag="web-bot-auth"'


def _signed_with(ask: Ask) -> str:
    """The components that a signature of *ask* should cover; the same for the same header lines."""
    kept = ask.headers.kept  # type: ignore[attr-defined]
    covered: str | None = kept.get(_COVERED)
    if covered is None:
        older = ask.header("signature-agent").startswith('"')
        agent = '"signature-agent"' if older else '"signature-agent";key="sig1"'
        paying = "".join(f' "{name}"' for name in _PAYING if ask.has(name))
        covered = kept[_COVERED] = f'"@authority" "@method" "@path" {agent}{paying}'
    return covered


def _license_link(terms: PublishedTerms) -> tuple[str, str]:
    return "Link", f'<{absolute(terms.license_url)}>; rel="license"; type="{MEDIA_TYPE}"'


def _url(ask: Ask | None, terms: PublishedTerms | None) -> str:
    origin = terms.origin if terms else ask.origin if ask else ""
    target = ask.target if ask and ask.target.startswith("/") else "/"
    return origin + target


def _line(value: str) -> str:
    """*value* as one header line can hold it."""
    if value.isascii() and value.isprintable():
        return value.strip()
    return "".join(char if " " <= char <= "~" else "?" for char in value).strip()


def _has_it(ask: Ask, etag: str) -> bool:
    """Whether ``If-None-Match`` names *etag*; the comparison is weak (RFC 9110, section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for value in ask.all("if-none-match") for tag in value.split(",")]
    return etag in tags or tags == ["*"]
