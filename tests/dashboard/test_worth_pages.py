"""The memo, the calculator, the figures and the dossier over a socket: what they show, keep and refuse."""

from __future__ import annotations

import hashlib
import html
import io
import json
import re
from datetime import date

import pypdf
import pytest

from gateway.dashboard.worth_pages import entry_name
from gateway.desk.versions import TakenUp
from gateway.licenses.contract import NOTICE
from gateway.licenses.pricing_guide import LABEL
from gateway.licenses.value_memo import MOST_FIGURES, About, Comparable, Figure, Figures
from gateway.store.sqlite.terms_versions import SqliteTermsVersions
from gateway.terms.terms_version import TermsVersion
from tests.dashboard.conftest import form_token

ONE = {
    "site": "journal", "about": "watch-time", "what": "average time on a film", "value": "6 min 12 s",
    "source": "our channel's analytics", "date": "2026-10-31",
}  # fmt: skip
PAGES = ("/memo", "/calculator", "/figures", "/dossier?crawler=GPTBot")


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def binary(valued, path: str) -> tuple[int, str, bytes]:
    async with valued.board.client.get(valued.board.base + path) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.read()


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_but_the_owner_sees_them(valued, path):
    assert (await valued.board.get(path)).status == 200
    valued.board.forget_cookies()
    answer = await valued.board.get(path)
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    for taken in ("/memo.pdf", "/memo.json", "/calculator.json", "/dossier.txt?crawler=GPTBot"):
        assert (await valued.board.get(taken, Accept="*/*")).status == 401
    assert (await valued.board.post("/figures", ONE)).status == 401
    assert valued.figures.read("journal") == Figures()


@pytest.mark.parametrize("path", [page for page in PAGES if page != "/figures"])
async def test_every_page_says_that_it_needs_counsel(valued, path):
    assert NOTICE in words((await valued.board.get(path)).text)


async def test_the_memo_shows_what_was_measured(valued):
    answer = await valued.board.get("/memo?period=1d")
    shown = words(answer.text)
    assert answer.status == 200
    for said in (
        "Value memo: The Journal",
        "People were answered 4,321 times.",
        "GPTBot OpenAI training",
        "Nothing is stated about views",
    ):
        assert said in shown
    # It is of one site.
    assert "The gateway recorded no crawler" in words((await valued.board.get("/memo?site=videos")).text)


async def test_the_memo_is_taken_along(valued):
    status, media, octets = await binary(valued, "/memo.pdf?site=journal&period=30d")
    assert (status, media) == (200, "application/pdf")
    assert len(pypdf.PdfReader(io.BytesIO(octets)).pages) == 1
    assert (await binary(valued, "/memo.pdf?site=journal&period=30d"))[2] == octets
    told = json.loads((await binary(valued, "/memo.json?site=journal"))[2])
    assert told["measured"]["people"] == 4321
    status, media, octets = await binary(valued, "/memo.html")
    assert b"<h1>Value memo: The Journal</h1>" in octets
    assert b"<script" not in octets


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/memo?period=yesterday", "a period is 30d"),
        ("/memo?site=elsewhere", "none of yours"),
        ("/memo?site=../../etc", "none of yours"),
        ("/calculator?files=x&revenue=1,5", "whole number"),
        ("/calculator?fame=1", "no figure of this calculator"),
        ("/calculator?all_views=5", "is missing"),
        ("/dossier?crawler=" + "x" * 129, "longer than any name"),
        ("/dossier?crawler=GPTBot&period=1970", "a period is 30d"),
    ],
)
async def test_a_mistake_is_a_400_that_names_it(valued, path, says):
    answer = await valued.board.get(path)
    assert answer.status == 400
    assert says in words(answer.text)
    name, _, query = path.partition("?")
    assert (await valued.board.get(f"{name}.json?{query}")).status == 400


async def test_the_calculator_goes_by_the_sites_guide(valued):
    page = (await valued.board.get("/calculator?files=10&inferences=1000&exclusive=yes")).text
    shown = words(page)
    assert LABEL in shown
    assert "10 files \u00d7 7 to 70 USD \u00d7 2 for an exclusive license 140 to 1400 USD" in shown
    assert "files \u00d7 amount per file \u00d7 length" in shown
    assert 'price = { upfront = "350", revenue_share = "10 %" }' in shown
    assert 'value="10"' in page
    assert '<option value="yes" selected>' in page
    told = json.loads((await binary(valued, "/calculator.json?files=10"))[2])
    assert told["frameworks"][1]["high_micros"] == 700_000_000
    assert (await binary(valued, "/calculator.pdf?files=10"))[2].startswith(b"%PDF")


async def test_a_figure_is_kept_and_stands_in_the_memo(valued):
    form = form_token((await valued.board.get("/figures")).text)
    answer = await valued.board.post("/figures", ONE | {"form": form})
    assert (answer.status, answer.headers["Location"]) == (303, "/figures?site=journal")
    deal = ONE | {"about": "comparable", "value": "40 USD a film", "form": form}
    assert (await valued.board.post("/figures", deal)).status == 303
    assert valued.figures.read("journal") == Figures(
        (
            Figure(
                About.WATCH_TIME, "average time on a film", "6 min 12 s", "our channel's analytics",
                date(2026, 10, 31),
            ),
        ),
        (
            Comparable(
                "average time on a film", "40 USD a film", "our channel's analytics", date(2026, 10, 31)
            ),
        ),
    )  # fmt: skip
    shown = words((await valued.board.get("/memo")).text)
    assert (
        "watch or engaged time average time on a film 6 min 12 s our channel's analytics 2026-10-31" in shown
    )
    assert "6 min 12 s" not in words((await valued.board.get("/memo?site=videos")).text)
    kept = valued.figures.read("journal")
    removed = {"form": form, "site": "journal", "entry": entry_name(kept.figures[0])}
    assert (await valued.board.post("/figures/remove", removed)).status == 303
    assert valued.figures.read("journal") == Figures((), kept.comparables)
    assert (await valued.board.post("/figures/remove", removed)).status == 303
    assert valued.figures.read("journal") == Figures((), kept.comparables)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source": " "}, "cannot be empty"),
        ({"source": None}, "cannot be empty"),
        ({"date": ""}, "2026-10-31"),
        ({"date": "31.10.2026"}, "2026-10-31"),
        ({"about": "fame"}, "case-study"),
        ({"what": "x" * 81}, "at most 80"),
        ({"value": "a\nb"}, "one line"),
        ({"site": "elsewhere"}, "none of yours"),
    ],
)
async def test_a_figure_without_source_or_date_is_refused_and_what_was_typed_stays(valued, change, says):
    form = form_token((await valued.board.get("/figures")).text)
    sent = {name: text for name, text in (ONE | change | {"form": form}).items() if text is not None}
    answer = await valued.board.post("/figures", sent)
    assert answer.status == 400
    assert says in words(answer.text)
    if "value" not in change:
        assert 'value="6 min 12 s"' in answer.text
    assert valued.figures.read("journal") == Figures()


async def test_a_form_of_somebody_elses_changes_nothing(valued):
    form = form_token((await valued.board.get("/figures")).text)
    assert (await valued.board.post("/figures", ONE | {"form": "0" * 64})).status == 403
    assert (
        await valued.board.post("/figures", ONE | {"form": form}, Sec_Fetch_Site="cross-site")
    ).status == 403
    assert (await valued.board.post("/figures/remove", {"form": "x", "site": "journal"})).status == 403
    assert valued.figures.read("journal") == Figures()


async def test_one_figure_too_many_is_refused(valued):
    each = Figure(About.OTHER, "w", "v", "s", date(2026, 1, 1))
    full = Figures((each,) * MOST_FIGURES)
    valued.figures.keep("journal", full)
    form = form_token((await valued.board.get("/figures")).text)
    answer = await valued.board.post("/figures", ONE | {"form": form})
    assert answer.status == 400
    assert "one page" in words(answer.text)
    assert valued.figures.read("journal") == full


async def test_a_file_that_cannot_be_read_is_told_and_left_alone(valued):
    file = valued.figures.file("journal")
    file.parent.mkdir(exist_ok=True)
    file.write_text("[[figures]]\nabout = 'views'\n")
    page = await valued.board.get("/figures")
    assert "cannot be read" in words(page.text)
    memo = await valued.board.get("/memo")
    assert (memo.status, "figures[0].source" in words(memo.text)) == (400, True)
    form = form_token(page.text)
    assert (await valued.board.post("/figures", ONE | {"form": form})).status == 400
    assert (
        await valued.board.post("/figures/remove", {"form": form, "site": "journal", "entry": ""})
    ).status == 200
    assert file.read_text() == "[[figures]]\nabout = 'views'\n"
    # A dossier is not worth less for it.
    assert (await valued.board.get("/dossier?crawler=GPTBot")).status == 200


async def test_a_dossier_of_an_operator(valued):
    text = b'{"terms":1}'
    name = hashlib.sha256(text).hexdigest()
    taken = await SqliteTermsVersions(valued.database).take_up(
        "journal", TermsVersion(name, text), "sha-256:p", valued.now - 9
    )
    assert isinstance(taken, TakenUp)
    page = (await valued.board.get("/dossier?crawler=Anthropic&period=1d")).text
    shown = words(page)
    for said in (
        "Dossier: Anthropic",
        "ClaudeBot, verified",
        "203.0.113.0/24",
        "Dear Anthropic,",
        "Ada Example",
        f"https://journal.example/.licet/terms/{name}",
        "Value memo: people",
        "Nothing is sent from here",
    ):
        assert said in shown, said
    assert "203.0.113.9" not in page
    text = (await valued.board.get("/dossier.txt?crawler=Anthropic&period=1d")).text
    assert text.startswith("Dossier: Anthropic\n")
    assert "Subject: A license for the use of our work" in text
    told = json.loads((await valued.board.get("/dossier.json?crawler=Anthropic")).text)
    assert "ClaudeBot" in told["crawlers"]
    # Told the price and turned away: nothing was delivered, so nothing would have been owed.
    assert told["price"]["would_have_cost"] == []


async def test_what_was_served_open_would_have_cost(valued):
    told = json.loads((await valued.board.get("/dossier.json?crawler=CCBot&period=2d")).text)
    assert told["delivered"] > 0
    (owed,) = told["price"]["would_have_cost"]
    # Nine essays and a film at most, each once in the day's window, at the quoted 0.02 USD.
    assert owed == {"micros": 20_000 * told["price"]["units"], "currency": "USD"}
    assert 0 < told["price"]["units"] <= 10


async def test_nobody_by_that_name(valued):
    shown = words((await valued.board.get("/dossier?crawler=<script>alert(1)</script>")).text)
    assert "There is nothing to write about." in shown
    page = (await valued.board.get("/dossier?crawler=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_the_overview_links_to_a_crawlers_dossier(valued):
    page = (await valued.board.get("/?last=24h")).text
    assert 'href="/dossier?crawler=GPTBot"' in page
    assert 'href="/calculator"' in page  # the group leads to its first page, which names the others
    assert 'href="/memo"' in (await valued.board.get("/calculator")).text


async def test_without_them_nothing_leads_there(board):
    page = (await board.get("/?last=24h")).text
    assert "/dossier" not in page
    assert '"/memo"' not in page
    assert (await board.get("/memo")).status == 404


@pytest.mark.parametrize("known", [True, False])
async def test_the_memo_stands_beside_a_negotiation(start, database, inbox, worth, known):
    deal = await inbox.waits()
    board = await start(database, deals=inbox.deals, worth=worth if known else None)
    await board.set_password()
    page = await board.get(f"/deals/{deal.id}")
    assert page.status == 200
    links = re.findall(r'<a href="(/memo\?[^"]*)">value memo</a>', page.text)
    assert len(links) == known
    for link in links:
        assert "Value memo: The Journal" in words((await board.get(html.unescape(link))).text)
