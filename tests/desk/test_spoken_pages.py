"""Every public page in a language that marks what was translated: whatever words stand outside the marks were forgotten."""

from __future__ import annotations

import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from gateway import languages
from gateway.front.refusal_page import refusal_page
from gateway.languages import LANGUAGES, Language, speak
from gateway.problems import Problem, Refusal
from gateway.terms.payment_required import problem_body
from tests.desk.test_account_desk import ACCOUNT, busy
from tests.desk.test_buying import NEGOTIATE, person
from tests.desk.test_consents import asked
from tests.desk.test_invoices import billed
from tests.desk.test_withdrawals import issued

__all__ = ["billed", "busy", "person"]
PAGE = {"Accept": "text/html"}
#: Elements whose words are data or code, and belong to no language.
DATA = {"code", "pre", "style", "time", "bdi", "option", "title"}
VOID = {"meta", "input", "br", "link", "img"}
#: Words of data that the pages of these tests show outside of such elements.
KNOWN = re.compile(
    r"The <Journal>|Example AI Labs( GmbH)?|rights@journal\.example|English|Deutsch|ODRL|CSV|JSON|UTC|robots\.txt|alert\(1\)"
    r"|\.tlog-proof|paid in|cmd|ai-index, ai-input(, ai-train, fine-tune, tdm)?|essays, videos|page, transcript"
)


class Words(HTMLParser):
    """The words of a page that stand outside of ⟦ ⟧, and not in data or in text that is marked as English."""

    def __init__(self, page):
        super().__init__()
        self.open, self.depth, self.found = [], 0, []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        foreign = any(lang == "en" for _, lang in self.open)
        for name in ("aria-label", "placeholder", "alt"):
            if given.get(name) and not foreign:
                self._look(given[name], 0)
        if tag not in VOID:
            self.open.append((tag, given.get("lang")))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if any(tag in DATA or lang == "en" for tag, lang in self.open):
            return
        self.depth = self._look(data, self.depth)

    def _look(self, text, depth):
        outside = ""
        for char in text:
            depth += (char == "⟦") - (char == "⟧")
            outside += char if depth == 0 and char != "⟧" else " "
        outside = KNOWN.sub(" ", outside)
        # Two words after each other are language; one may be a name, unless the catalog knows it.
        for run in re.findall(r"[^\W\d_][^\W\d_]+(?:[ ,'][ ]?[^\W\d_][^\W\d_]+)+", outside):
            self.found.append(run)
        if outside.strip() in messages():
            self.found.append(outside.strip())
        return depth


class Marking:
    """A catalog that marks what it was asked for."""

    def gettext(self, text):
        return f"⟦{text}⟧"

    def ngettext(self, one, many, count):
        return f"⟦{one if count == 1 else many}⟧"


sys.path.insert(0, str(Path(__file__).parents[1]))
import catalogs  # noqa: E402

#: What the pages translate that is also a word of data, such as a state in JSON.
_BOTH = {"due", "bill", "report", "link", "free", "none", "open", "use", "fetch", "licensee", "creator"}


@cache
def messages():
    """Every message; whoever only collects tests does not read all of the code for it."""
    return {each for each in catalogs.collected() if isinstance(each, str)} - _BOTH


@pytest.fixture(autouse=True)
def marked(monkeypatch):
    monkeypatch.setitem(LANGUAGES, "qps", Language("qps", "Marked"))
    monkeypatch.setattr(languages, "catalog", lambda _: Marking())
    monkeypatch.setattr("gateway.desk.routes.wanted", lambda *_: "qps")
    yield
    speak("en")


def untranslated(page):
    return Words(page).found


async def look(world, path, made=None):
    headers = dict(PAGE)
    if made:
        headers["Authorization"] = aiohttp.encode_basic_auth(made.client.id, made.secret)
    answer = await world.get(path, headers=headers)
    return await answer.text()


def test_what_is_forgotten_is_found():
    assert untranslated("<p>⟦Read <b>this</b> page⟧ <b>now then</b></p>") == ["now then"]
    assert untranslated('<p lang="en">old words</p><code>a b</code><h1>Licenses</h1>') == ["Licenses"]
    assert untranslated('<nav aria-label="main menu"></nav>') == ["main menu"]


PUBLIC = (
    "/.licet/", "/.licet/problems", "/.licet/problems/license-required", "/.licet/terms/", "/.licet/terms/versions",
    "/.licet/person", "/.licet/privacy", "/.licet/receipt", "/.licet/developers",
    "/.licet/developers?url=/essays/1&use=ai-train", "/.licet/developers?url=//&use=x", "/.licet/objections", NEGOTIATE,
    f"{NEGOTIATE}?offer=training", f"{NEGOTIATE}?offer=nothing", "/.licet/mailbox/xyz",
)  # fmt: skip


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_page_for_everybody_says_nothing_untranslated(world, path):
    page = await look(world, path)
    assert "⟦" in page, path
    assert untranslated(page) == []


async def test_an_account_says_nothing_untranslated(world, busy):
    made, _, _ = busy
    for path in (ACCOUNT, f"{ACCOUNT}/charges", f"{ACCOUNT}/charges/rec-0003", f"{ACCOUNT}/charges/hostile"):
        assert untranslated(await look(world, path, made)) == [], path


async def test_an_account_with_bills_and_disputes_too(world, billed):
    made, invoice = billed
    await world.billing.dispute(
        made.licensee.id, invoice.id, {"line": 1, "amount": "1", "reason": "It was empty."}
    )
    assert untranslated(await look(world, ACCOUNT, made)) == []


async def test_bills_and_disputes_of_their_own_pages_say_nothing_untranslated(world, billed):
    made, invoice = billed
    dispute = await world.billing.dispute(
        made.licensee.id, invoice.id, {"line": 1, "amount": "1", "reason": "Empty.", "evidence": "None."}
    )
    month = invoice.period
    for path in (
        "/.licet/invoices", f"/.licet/invoices/{invoice.id}", "/.licet/disputes", f"/.licet/disputes/{dispute.id}",
        "/.licet/statements", f"/.licet/statements/{month}",
    ):  # fmt: skip
        page = await look(world, path, made)
        assert "⟦" in page, path
        assert untranslated(page) == [], path
    other = await world.licensee()
    assert untranslated(await look(world, "/.licet/invoices", other)) == []
    assert untranslated(await look(world, "/.licet/disputes", other)) == []


async def test_an_author_and_whoever_meets_a_withdrawal_read_their_language(world):
    made = await world.licensee()
    ada = await asked(world, "Ada", representative=True)
    await asked(world, "Bob", 0)
    for path in (f"/.licet/consent/{ada.secret}", f"/.licet/withdrawals/{(await issued(world, made)).id}"):
        page = await look(world, path)
        assert "⟦" in page, path
        assert untranslated(page) == [], path
    async with world.http.post(
        f"{world.origin}/.licet/consent/{ada.secret}", data={"ai-train": "decline"}, headers=PAGE
    ) as answer:
        assert untranslated(await answer.text()) == []


async def test_a_checked_receipt_says_nothing_untranslated(world):
    made = await world.licensee("5")
    await world.log.sign_news()
    assert untranslated(await look(world, "/.licet/receipt?id=credit-1", made)) == []
    async with world.http.post(
        f"{world.origin}/.licet/receipt", data={"receipt": "{}"}, headers=PAGE
    ) as answer:
        page = await answer.text()
    # Why it was refused is told in the words of what refused it.
    assert [each for each in untranslated(page) if each not in page.split("⟦It was refused: ")[1]] == []


async def test_a_negotiation_says_nothing_untranslated(person):
    await person.begin()
    pages = [person.text]
    await person.confirmed(active=True)
    await person.go(person.base)
    pages.append(person.text)
    await person.send("propose", compensation__per_fetch="0.003")
    pages.append(person.text)
    await person.go(f"{person.base}/review")
    pages.append(person.text)
    for nth, page in enumerate(pages):
        assert untranslated(page) == [], nth


def test_a_refusal_says_nothing_untranslated(world):
    from gateway.terms.license_terms import PublishedTerms

    speak("qps")
    offers = tuple(world.policy.offers)
    terms = PublishedTerms(
        "https://journal.example", "The <Journal>", "rights@journal.example", "p", "USD", scopes=(), robots=()
    )
    for problem in Problem:
        body = problem_body(
            Refusal(problem, "The fact in its own words."), type_base="https://journal.example/.licet/problems",
            offers=offers, uses=frozenset(), terms=terms, request_url="https://journal.example/essays/1",
            quoted=offers[0], instance="urn:uuid:0",
        )  # fmt: skip
        page = refusal_page(
            body, site="The <Journal>", contact="rights@journal.example", target="/essays/1"
        ).decode()
        assert untranslated(page) == [], problem
