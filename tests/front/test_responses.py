import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.admit import Grant
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.clock import HandClock
from gateway.front import responses
from gateway.front.answer import Judged, Notice
from gateway.front.responses import LONGEST_LINE, committed, told
from gateway.money import Money
from gateway.origin.head import Head
from gateway.paper import CONTENT_SECURITY, STYLE
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Policy, Ruling, Site, Verdict
from gateway.problems import Problem, Refusal
from gateway.rails.known_accounts import KnownAccounts
from gateway.rails.price_headers import PriceHeaders
from gateway.rails.rail import Asked, Challenge, claims_for
from gateway.terms.answer_fields import preferences_told
from gateway.terms.license_terms import (
    Compensation,
    LicenseTerms,
    Offer,
    PublishedScope,
    PublishedTerms,
    Purpose,
    Scope,
)
from gateway.terms.payment_required import MEMBERS, plain
from gateway.tokens.claims import Budget
from gateway.uses import Use
from gateway.visitors.visitor import PERSON, Crawler, Identity, Visitor, VisitorClass

GPTBOT = Visitor(
    VisitorClass.AI,
    Crawler("GPTBot", "OpenAI", ("training",), frozenset({Use.AI_TRAIN}), VisitorClass.AI, True),
)
BROWSER = (
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
)
LINK = '<https://journal.example/license.xml>; rel="license"; type="application/rsl+xml"'


def offer(name="training", price=5_000, uses=(Use.AI_TRAIN,)):
    terms = LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset(uses)),
        Compensation("USD", per_fetch=Money(price, "USD")),
    )  # fmt: skip
    return Offer(name, "journal", terms, "sha-256:p")


OFFERS = (
    offer("everything", 20_000, (Use.AI_TRAIN, Use.AI_INPUT)),
    offer(),
    offer("answers", 1_000, (Use.AI_INPUT,)),
)
TERMS = PublishedTerms(
    "https://journal.example", "The Journal", "rights@journal.example", "sha-256:p", "USD",
    (PublishedScope((PathScope("/"),), "", frozenset(), OFFERS),), (),
)  # fmt: skip
ASK = Ask("0192-a", 0, "journal", "https://journal.example", "GET", "/essays/tides?x=1", "/essays/tides")


def policy(mode=Mode.ENFORCE):
    site = Site("journal", ("journal.example",), "http://127.0.0.1:8000", mode, "USD")
    return Policy(site, (), OFFERS, (), "sha-256:p")


def judged(verdict, visitor=GPTBOT, mode=Mode.ENFORCE, offers=OFFERS):
    ruling = Ruling(Verdict.LICENSE, "rules[0]", "rule 1 matches class ai", "sha-256:p", mode, offers)
    return Judged(policy(mode), visitor, ruling, verdict)


class Encoded:
    """A rail that tells the URL in base64, in a line, and in a member; and one line that is too long."""

    name, reads, sources = "encoded", ("payment-signature",), {}

    def challenge(self, refusal, quote):
        octets = orjson.dumps({"url": quote.url, "price": quote.price.amount, "why": plain(refusal.detail)})
        return Challenge(
            headers=(("X-Long", "a" * LONGEST_LINE),),
            encoded=(("PAYMENT-REQUIRED", octets), ("X-Longer", b"a" * LONGEST_LINE)),
            members={"encoded": {"url": quote.url}, "status": 200},
        )


RAILS = (PriceHeaders(lambda ask, evidence: None, KnownAccounts(None, HandClock())), Encoded())


def refused(refusal, ask, judged, terms, rails=RAILS):
    return responses.refused(refusal, ask, judged, terms, rails)


def refusal_of(problem=Problem.LICENSE_REQUIRED, **facts):
    return Refusal(problem, "The fact.", **facts)


def told_in(answer):
    """The header fields of an answer, wherever it keeps them."""
    if not answer.head:
        return answer.headers
    return tuple(tuple(line.split(": ", 1)) for line in answer.head.decode("ascii").split("\r\n")[1:])


def reason_of(answer):
    return answer.head.split(b"\r\n")[0].decode("ascii")[13:] if answer.head else answer.reason


def named(answer):
    return {name.lower(): value for name, value in told_in(answer)}


def all_of(answer, name):
    return [value for key, value in told_in(answer) if key.lower() == name]


async def body_of(answer):
    return answer.whole


@pytest.mark.parametrize("problem", Problem)
async def test_every_problem_renders_in_both_forms(problem):
    refusal = refusal_of(problem, retry_after=9)
    plain = refused(refusal, ASK, judged(refusal), TERMS)
    paged = refused(refusal, replace(ASK, headers=BROWSER), judged(refusal, PERSON), TERMS)
    body = orjson.loads(await body_of(plain))
    assert plain.status == paged.status == body["status"] == problem.status
    assert body["type"] == f"https://journal.example/.licet/problems/{problem.code}"
    assert named(plain)["content-type"] == "application/problem+json"
    assert named(paged)["content-type"] == "text/html; charset=utf-8"
    page = await body_of(paged)
    assert len(page) < 10_000 and b"The fact." in page and problem.code.encode() in page
    for answer, octets in ((plain, await body_of(plain) or orjson.dumps(body)), (paged, page)):
        headers = named(answer)
        assert headers["content-length"] == str(len(octets))
        assert headers["cache-control"] == "no-store" and headers["retry-after"] == "9"
        assert {"authorization", "accept", "user-agent", "signature-agent"} <= set(
            headers["vary"].lower().split(", ")
        )
        assert reason_of(answer)


async def test_the_402():
    answer = refused(refusal_of(), ASK, judged(refusal_of()), TERMS)
    headers = named(answer)
    assert (answer.status, reason_of(answer), answer.close) == (402, "Payment Required", False)
    assert headers["crawler-price"] == "USD 0.005", (
        "the cheapest single offer that covers what this crawler does"
    )
    assert headers["crawler-error"] == "MissingCrawlerPrice"
    assert headers["link"] == LINK
    assert all_of(answer, "www-authenticate") == [
        'License error="invalid_request", error_description="The fact."',
        'Bearer resource_metadata="https://journal.example/.well-known/oauth-protected-resource"',
    ]
    body = orjson.loads(await body_of(answer))
    assert [told["id"] for told in body["offers"]] == ["everything", "training", "answers"]
    assert body["price"]["offer"] == "training" and body["uses"] == ["ai-train"]
    assert body["instance"] == "urn:uuid:0192-a"
    assert body["buy"]["curl"][2].endswith("'https://journal.example/essays/tides?x=1'")


def payment_of(answer):
    return orjson.loads(base64.b64decode(named(answer)["payment-required"], validate=True))


def test_every_way_to_pay_stands_in_one_402():
    answer = refused(refusal_of(), ASK, judged(refusal_of()), TERMS)
    headers, body = named(answer), orjson.loads(answer.whole)
    assert {"crawler-price", "payment-required", "www-authenticate", "link"} <= set(headers)
    assert not {"x-long", "x-longer"} & set(headers), "a line that is too long is left out"
    url = "https://journal.example/essays/tides?x=1"
    assert payment_of(answer) == {"url": url, "price": "0.005", "why": "The fact."}
    assert body["encoded"] == {"url": url}
    assert body["status"] == 402, "a rail takes no member that is ours"
    assert body["pay_per_crawl"]["send"] == {"crawler-max-price": "USD 0.005"}
    assert {"crawler-max-price", "crawler-exact-price", "payment-signature"} <= set(
        headers["vary"].lower().split(", ")
    )


@pytest.mark.parametrize("problem", Problem)
def test_every_member_of_a_body_is_explained(problem):
    refusal = refusal_of(problem, retry_after=9)
    body = orjson.loads(refused(refusal, ASK, judged(refusal), TERMS, RAILS[:1]).whole)
    assert set(body) <= set(MEMBERS)
    if problem is Problem.LICENSE_REQUIRED:
        assert set(body) == set(MEMBERS)


@pytest.mark.parametrize("target", ["/" + "a" * 7000, "/?" + "%22" * 2000, "/" + "é" * 3000, "/a"])
@pytest.mark.parametrize("detail", ["", "x" * 5000, "\r\n" * 4000])
def test_the_402_fits_where_headers_are_read(target, detail):
    refusal = replace(refusal_of(), detail=detail)
    answer = refused(refusal, replace(ASK, target=target), judged(refusal), TERMS)
    sizes = [len(name) + len(value) + 4 for name, value in told_in(answer)]
    assert max(sizes) <= LONGEST_LINE
    assert sum(sizes) < 8192


def test_a_price_that_is_not_the_offers_is_the_one_that_is_quoted():
    refusal = Refusal(Problem.MAX_PRICE_TOO_LOW, "Dearer.", price=Money(250_000, "USD"))
    answer = refused(refusal, ASK, judged(refusal), TERMS)
    assert named(answer)["crawler-price"] == "USD 0.25"
    assert named(answer)["crawler-error"] == "InvalidCrawlerMaxPrice"
    assert orjson.loads(answer.whole)["price"]["amount"] == "0.25"
    assert payment_of(answer)["price"] == "0.25"
    dearer = replace(refusal, price=Money(260_000, "USD"))
    assert named(refused(dearer, ASK, judged(dearer), TERMS))["crawler-price"] == "USD 0.26"


def test_what_takes_more_than_a_price_per_fetch_names_no_price():
    terms = replace(OFFERS[1].terms, compensation=Compensation("USD", Money(9, "USD"), Money(5_000, "USD")))
    said = judged(refusal_of(), offers=(replace(OFFERS[1], terms=terms),))
    answer = refused(refusal_of(), ASK, said, TERMS)
    assert not {"crawler-price", "payment-required"} & set(named(answer))
    assert orjson.loads(answer.whole)["price"]["amount"] == "0.005", "what a license would cost by the fetch"


def test_an_owners_block_quotes_no_price():
    refusal = refusal_of(Problem.REFUSED_BY_OWNER)
    headers = named(refused(refusal, ASK, judged(refusal), TERMS))
    assert headers["crawler-error"] == "CrawlerForbidden" and "crawler-price" not in headers


def test_a_person_is_told_nothing_about_crawlers():
    refusal = refusal_of(Problem.ORIGIN_UNREACHABLE)
    headers = named(
        refused(refusal, replace(ASK, headers=BROWSER), judged(refusal, PERSON, offers=()), TERMS)
    )
    assert not {"crawler-error", "crawler-price", "link", "www-authenticate"} & set(headers)


async def test_a_head_has_the_length_and_no_body():
    got, head = (
        refused(refusal_of(), replace(ASK, method=each), judged(refusal_of()), TERMS)
        for each in ("GET", "HEAD")
    )
    assert head.whole == b"" and sorted(told_in(head)) == sorted(told_in(got))
    assert len(await body_of(got)) == int(named(got)["content-length"])


async def test_without_ask_or_site():
    answer = refused(Refusal(Problem.HEADERS_TOO_LARGE, "x"), None, None, None)
    assert orjson.loads(await body_of(answer))["type"] == "/.licet/problems/headers-too-large"
    assert answer.close


@pytest.mark.parametrize("problem", Problem)
def test_the_connection_ends_where_the_framing_is_in_doubt(problem):
    doubtful = {"bad-request", "request-timeout", "content-too-large", "uri-too-long", "headers-too-large",
                "unsupported-transfer-coding", "version-not-supported"}  # fmt: skip
    assert refused(Refusal(problem), ASK, None, TERMS).close is (problem.code in doubtful)


def test_methods_are_named():
    refusal = Refusal(Problem.METHOD_NOT_ALLOWED, "x", facts=(("allow", "GET, HEAD"),))
    assert named(refused(refusal, ASK, None, TERMS))["allow"] == "GET, HEAD"


FIREFOX = BROWSER[0][1]


@pytest.mark.parametrize(
    ("agent", "accept", "visitor", "page"),
    [
        (FIREFOX, "text/html", PERSON, True),
        (FIREFOX, "text/html;q=0.8, */*;q=0.1", PERSON, True),
        (FIREFOX, "text/*, application/json;q=0.5", PERSON, True),
        (FIREFOX, "text/html, application/problem+json", PERSON, False),
        (FIREFOX, "text/html;q=0.2, */*;q=0.5", PERSON, False),
        (FIREFOX, "text/html;q=x", PERSON, False),
        (FIREFOX, "text/html;q=\u0663", PERSON, False),
        (FIREFOX, "*/*", PERSON, False),
        (FIREFOX, "", PERSON, False),
        (FIREFOX, "text/html", Visitor(VisitorClass.AUTOMATION), True),
        ("curl/8.5.0", "text/html", PERSON, False),
        (FIREFOX, "text/html", replace(GPTBOT, identity=Identity.CLAIMED), False),
    ],
)
def test_who_gets_a_page(agent, accept, visitor, page):
    asked = replace(ASK, headers=(("user-agent", agent), ("accept", accept)))
    answer = refused(refusal_of(), asked, judged(refusal_of(), visitor), TERMS)
    assert named(answer)["content-type"].startswith("text/html") is page


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [name for name, _ in attrs]


async def test_the_page_needs_nothing_that_its_own_policy_forbids():
    answer = refused(refusal_of(), replace(ASK, headers=BROWSER), judged(refusal_of(), PERSON), TERMS)
    tags = Tags()
    page = (await body_of(answer)).decode()
    tags.feed(page)
    assert not set(tags.seen) & {"script", "img", "link", "iframe", "form", "base", "object"}
    assert not {"style", "src", "onclick"} & set(tags.attributes)
    assert tags.seen.count("style") == 1
    assert f"<style>{STYLE}</style>" in page
    assert named(answer)["content-security-policy"] == CONTENT_SECURITY
    assert named(answer)["x-robots-tag"] == "noindex"


HEADER = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def fields(head):
    """The fields of a head, split where a reader would split them."""
    lines = [line.rstrip("\r") for line in head.decode("latin-1").split("\n")[1:]]
    return [tuple(line.split(": ", 1)) for line in lines]


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
async def test_no_text_breaks_a_header_line(text, host, target):
    evil = f"{text}\r\nSet-Cookie: a=b\x00é\ud800"
    terms = replace(TERMS, origin=f"https://{host}{evil}", name=evil, contact=evil)
    ask = replace(ASK, id=evil, target=f"/{target}{evil}", headers=BROWSER if len(text) % 2 else ())
    refusal = Refusal(Problem.LICENSE_REQUIRED, evil, facts=(("allow", evil), (evil, evil)))
    said = judged(refusal, PERSON, offers=(replace(OFFERS[0], id=evil),))
    charge = Charge(evil, "le", "lic", Money(5_000, "USD"), Budget())
    answers = [
        told_in(refused(refusal, ask, said, terms)),
        told(Notice("robots.txt", f"text/plain{evil}", b"x", f'"{evil}"'), ask).headers,
        fields(committed(Opened(), ask, judged(Grant(charge=charge)), terms)),
        fields(committed(Opened(), ask, judged(Grant(offers=OFFERS), mode=Mode.OFFER), terms)),
    ]
    for headers in answers:
        for name, value in headers:
            assert HEADER.fullmatch(value), (name, value)
    assert all("Set-Cookie" not in {name for name, _ in headers} for headers in answers)
    await body_of(refused(refusal, ask, said, terms))


NOTICE = Notice("robots.txt", "text/plain; charset=utf-8", b"User-agent: *\nAllow: /\n", '"abc"')


async def test_a_control_file():
    answer = told(NOTICE, ASK)
    assert answer.status == 200 and await body_of(answer) == NOTICE.body
    assert named(answer) == {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(NOTICE.body)),
        "etag": '"abc"',
        "cache-control": "public, max-age=3600",
        "x-content-type-options": "nosniff",
    }
    head = told(NOTICE, replace(ASK, method="HEAD"))
    assert head.headers == answer.headers and head.whole == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (('"abc"',), 304),
        (('W/"abc"',), 304),
        (('"x", "abc"',), 304),
        (('"x"', '"abc"'), 304),
        (("*",), 304),
        (('"x"',), 200),
        (("abc",), 200),
        (("",), 200),
    ],
)
def test_it_is_not_sent_again(sent, status):
    answer = told(NOTICE, replace(ASK, headers=tuple(("if-none-match", value) for value in sent)))
    assert answer.status == status
    if status == 304:
        assert (
            answer.whole == b"" and "content-length" not in named(answer) and named(answer)["etag"] == '"abc"'
        )


class Opened:
    """An origin's answer as far as its head goes."""

    def __init__(self):
        self._head = Head(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\ncache-control: public, max-age=600\r\n"
            b"Expires: Thu, 01 Jan 2099 00:00:00 GMT\r\nSet-Cookie-2: a\r\nX-A: 1\r\nX-A: 2\r\n"
            b"Connection: keep-alive\r\nCDN-Cache-Control: max-age=9\r\nLicet-Price: USD 0"
            b"\r\nLicet-Terms: sha-256:0\r\nlicet-receipt: https://evil.example/",
            200,
        )
        self.status = 200
        self.head = self._head.passed_on()
        self.head_without = self._head.passed_on
        self.field = self._head.field


CHARGE = Charge("0192-a", "le", "lic", Money(5_000, "USD"), Budget())


LINKED = preferences_told(TERMS, ASK.path)[1] + f"\r\nLink: {LINK}".encode()


@pytest.mark.parametrize(("visitor", "mode"), [(PERSON, mode) for mode in Mode] + [(GPTBOT, Mode.OBSERVE)])
def test_people_and_watched_crawlers_get_the_origins_head(visitor, mode):
    opened = Opened()
    assert committed(opened, ASK, judged(Grant(offers=OFFERS), visitor, mode), TERMS) is opened.head


def test_a_licensed_answer_is_kept_by_nobody_and_names_its_record():
    head = committed(Opened(), ASK, judged(Grant(charge=CHARGE)), TERMS)
    assert head == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie-2: a\r\nX-A: 1\r\nX-A: 2\r\n"
        b"Cache-Control: private, no-store\r\nLicet-Record: 0192-a\r\nLicet-Price: USD 0.005" + LINKED
    )


@pytest.mark.parametrize(
    ("client", "receipt"),
    [("cl", b"\r\nLicet-Receipt: https://journal.example/.licet/receipts/0192-a"), ("", b"")],
)
def test_a_licensed_answer_names_its_terms_and_to_a_client_of_the_desk_its_receipt(client, receipt):
    claims = claims_for(
        "rail",
        Asked(ASK, GPTBOT, judged(None).policy, judged(None).ruling, OFFERS[0]),
        licensee="le",
        payment="p",
        most=CHARGE.price,
    )
    decided = judged(Grant(charge=CHARGE))._replace(claims=replace(claims, client=client))
    head = committed(Opened(), ASK, decided, TERMS, (("Crawler-Charged", "USD 0.005"),))
    assert head.partition(b"Licet-Record: ")[2] == (
        b"0192-a\r\nLicet-Price: USD 0.005\r\nLicet-Terms: "
        + OFFERS[0].terms.hash.encode()
        + receipt
        + LINKED
        + b"\r\nCrawler-Charged: USD 0.005"
    )
    assert b"evil" not in head


def test_a_free_answer_says_where_the_terms_are():
    opened = Opened()
    assert committed(opened, ASK, judged(Grant()), TERMS) == opened.head + LINKED


def test_an_offer_is_priced_where_offers_are_made():
    opened = Opened()
    added = committed(opened, ASK, judged(Grant(offers=OFFERS), mode=Mode.OFFER), TERMS)
    assert added == opened.head + LINKED + b"\r\nCrawler-Price: USD 0.005"
    assert committed(opened, ASK, judged(Grant(), mode=Mode.OFFER), TERMS) == opened.head + LINKED


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/essays/tides",
        "/essays/tides?x=1&y=2",
        "/a?",
        "/a'b",
        '/a"b?c',
        "/\udcff",
        "/a?b?c",
        "/" + "a" * 600,
    ],
)
@pytest.mark.parametrize(
    "problem", [Problem.LICENSE_REQUIRED, Problem.REFUSED_BY_OWNER, Problem.TOKEN_EXPIRED]
)
def test_what_is_filled_in_is_what_would_have_been_written(target, problem):
    from gateway.front.wire import head_of

    refusal = refusal_of(problem)
    decided = judged(refusal)
    for number in range(3):
        ask = replace(ASK, target=target, id=f"01a21422-8d17-738c-8f96-e03b94bc4e6{number}")
        got = refused(refusal, ask, decided, TERMS)
        plain = responses._refused(refusal, ask, decided, TERMS, RAILS)
        assert (got.status, got.whole, got.close) == (plain.status, plain.whole, plain.close)
        first, *lines = (got.head or head_of(plain, "GET", close=False, chunkable=True)[0][:-4]).split(
            b"\r\n"
        )
        assert first.decode() == f"HTTP/1.1 {plain.status} {plain.reason}"
        assert sorted(lines) == sorted(f"{name}: {value}".encode() for name, value in plain.headers)
        assert f"urn:uuid:{ask.id}".encode() in got.whole


def test_forms_are_bounded():

    for number in range(responses._FORMS + 10):
        refusal = replace(refusal_of(), detail=f"path {number}")
        refused(refusal, ASK, judged(refusal), TERMS)
    assert len(responses._forms) <= responses._FORMS
