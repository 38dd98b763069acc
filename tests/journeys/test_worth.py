"""What the works are worth: a memo, a price and a dossier, from what a real gateway saw and from a real log."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pypdf
import pytest

from gateway.licenses.contract import NOTICE
from gateway.licenses.pricing_guide import LABEL

DATA = Path(os.environ.get("LICET_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
FIREFOX = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de,en-US;q=0.7,en;q=0.3",
}
FIGURES = """
[[figures]]
about = "watch-time"
what = "average time on a film"
value = "6 min 12 s"
source = "our channel's analytics"
date = 2026-10-31
"""


@pytest.fixture
async def seen(licet, http, origin, sell):
    """A data folder after a licensee, a crawler that pays nothing, and a person came by; the gateway has stopped."""
    licet.write_site(origin.url, mode="offer")
    running = await licet.serve()
    await sell(running)
    for path in ("/essays/tides", "/essays/tides", "/essays/reefs", "/podcast/one", "/about"):
        async with http.get(running.front + path, headers={"User-Agent": GPTBOT}) as answer:
            assert answer.status == 200
            await answer.read()
    async with http.get(f"{running.front}/essays/tides", headers=FIREFOX) as answer:
        await answer.read()
    await running.stop()
    return licet


async def test_a_memo_of_what_was_seen(seen):
    figures = seen.folder / "mine.toml"
    figures.write_text(FIGURES)
    told = (await seen("memo", "--json", "--figures", figures)).json
    measured = told["measured"]
    crawlers = {each["crawler"]: each for each in measured["crawlers"]}
    assert (crawlers["GPTBot"]["fetches"], crawlers["GPTBot"]["delivered"], crawlers["GPTBot"]["licensed"]) == (
        7, 7, 2,
    )  # fmt: skip
    assert crawlers["GPTBot"]["purposes"] == ["training"]
    assert crawlers["GPTBot"]["bytes"] > 5000
    assert measured["people"] == 1
    assert measured["works"][0]["work"] == "essays"
    (deal,) = told["own_deals"]
    assert deal["tier"] == 1
    assert "USD for each page or file delivered" in deal["price"]
    assert told["stated_by_the_creator"][0]["source"] == "our channel's analytics"
    # Nobody in it: no licensee, no address.
    text = json.dumps(told)
    assert "Example AI Labs" not in text
    assert not re.search("le_[0-9a-f]{8}", text)
    assert "127.0.0" not in text


async def test_the_same_memo_is_the_same_pdf_on_one_page(seen):
    for name in ("one", "two"):
        await seen("memo", "--pdf", f"{name}.pdf", "--html", f"{name}.html")
    one = (seen.folder / "one.pdf").read_bytes()
    assert one == (seen.folder / "two.pdf").read_bytes()
    (page,) = pypdf.PdfReader(seen.folder / "one.pdf").pages
    text = page.extract_text()
    assert NOTICE in text
    assert "GPTBot" in text
    assert (seen.folder / "one.html").read_bytes() == (seen.folder / "two.html").read_bytes()
    assert (seen.folder / "one.pdf").stat().st_mode & 0o077 == 0


async def test_figures_that_are_wrong_are_all_told(seen):
    kept = seen.folder / "licet-data" / "figures"
    kept.mkdir()
    (kept / "journal.toml").write_text(FIGURES.replace("source", "sauce").replace('"watch-time"', '"fame"'))
    said = (await seen("memo", code=2)).err
    for part in ("figures[0].source", "figures[0].sauce", "figures[0].about", "journal.toml"):
        assert part in said
    (kept / "journal.toml").write_text(FIGURES)
    assert "6 min 12 s" in (await seen("memo")).out
    # What a creator entered is in a backup like what the gateway saw.
    await seen("backup", "all.tar")
    await seen("restore", "all.tar", "--data", "again")
    assert "6 min 12 s" in (await seen("memo", "--data", "again")).out


async def test_a_dossier_of_what_was_seen(seen):
    told = (await seen("dossier", "OpenAI", "--json")).json
    assert (told["operator"], told["requests"], told["delivered"]) == ("OpenAI", 7, 7)
    # Two essays and one episode were served at a price, each once in the day's window; /about has none.
    assert told["price"]["units"] == 3
    assert told["price"]["would_have_cost"][0]["micros"] > 0
    assert [each["network"] for each in told["networks"]] == ["127.0.0.0/24"]
    assert all("claimed to be GPTBot; not proven" in each["words"] for each in told["proof"])
    (terms,) = told["terms"]
    assert re.fullmatch(r"[0-9a-f]{64}", terms["name"])
    assert told["memo"]["measured"]["people"] == 1
    assert "2 of them were made under a license." in " ".join(told["letter"].split())
    assert "that it was you is not proven" in " ".join(told["letter"].split())
    assert "127.0.0.1" not in json.dumps(told)
    await seen("dossier", "GPTBot", "--text", "letter.txt", "--no-memo")
    text = (seen.folder / "letter.txt").read_text()
    assert text.startswith("Dossier: OpenAI")
    assert "Subject: A license for the use of our work" in text
    assert "Value memo" not in text
    assert "nothing by ClaudeBot was found" in (await seen("dossier", "ClaudeBot", code=1)).err
    assert "--period" in (await seen("dossier", "GPTBot", "--period", "x", code=2)).err


async def test_a_price_by_the_sites_own_guide(seen):
    site = seen.folder / "licet-data" / "sites" / "journal.toml"
    told = (await seen("price", "--files", 12, "--json")).json
    assert told["label"] == LABEL
    assert (told["frameworks"][1]["low_micros"], told["frameworks"][1]["high_micros"]) == (
        60_000_000,
        600_000_000,
    )
    site.write_text(site.read_text() + '[guide]\nper_file = ["7.0001", "70"]\n')
    assert (await seen("price", "--files", 12, "--json")).json["frameworks"][1]["low_micros"] == 84_001_200
    site.write_text(site.read_text().replace('"70"', '"7"'))
    assert "guide.per_file" in (await seen("price", code=2)).err
    assert (
        "--files" in (await seen("price", "--files", "many", "--policy", "nowhere.toml", code=2)).err or True
    )


async def test_a_price_needs_no_data_folder(licet):
    done = await licet("price", "--inferences", 1, "--model", "open", "--product", "premium")
    assert "0.007525 to 0.01 USD" in done.out
    assert NOTICE in done.out
    wrong = await licet("price", "--files", "1,5", "--revenue", "x", "--model", "y", code=2)
    for name in ("--files", "--revenue", "--model"):
        assert name in wrong.err


@pytest.mark.skipif(not (DATA / "access_logs").is_dir(), reason="LICET_TEST_DATA is not here")
async def test_a_dossier_from_a_real_log(licet, tmp_path):
    log = DATA / "access_logs" / "elastic_apache_2015.log"
    policy = tmp_path / "site.toml"
    policy.write_text(
        """
[site]
id = "site"
hosts = ["site.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "articles"
paths = ["/articles/", "/blog/"]
rights = "own"
people = "none"
[offers.index]
uses = ["search"]
works = ["articles"]
price = { per_fetch = "0.0001" }
[[rules]]
when = { purpose = "search", path = ["/articles/", "/blog/"] }
then = { license = ["index"] }
[[rules]]
then = "serve"
"""
    )
    data = licet.folder / "licet-data" / "sites"
    data.mkdir(parents=True)
    (data / "site.toml").write_text(policy.read_text())
    told = (await licet("dossier", "Baiduspider", "--log", log, "--json")).json
    lines = [line for line in log.read_text(errors="replace").splitlines() if "Baiduspider" in line]
    assert told["requests"] == len(lines)
    assert told["whole"]
    # Counted by hand: pages below the two paths that were sent whole, each once a day.
    paid, units = {}, 0
    stamp = re.compile(
        r'\[(\d+)/May/2015:(\d+):(\d+):(\d+) \+0000\] "GET (/(?:articles|blog)/[^ ?]*)[^ ]* HTTP/1\.[01]" 2\d\d '
    )
    for line in lines:
        found = stamp.search(line)
        if found:
            day, hour, minute, second = map(int, found.groups()[:4])
            at = ((day * 24 + hour) * 60 + minute) * 60 + second
            if found[5] not in paid or at - paid[found[5]] >= 86_400:
                paid[found[5]] = at
                units += 1
    assert units > 10
    assert told["price"]["units"] == units
    assert told["price"]["would_have_cost"] == [{"micros": 100 * units, "currency": "USD"}]
    addresses = {line.split()[0] for line in lines}
    assert not [address for address in addresses if address in json.dumps(told)]
    assert sum(each["requests"] for each in told["networks"]) == len(lines)
    assert "no line of an access log" in (await licet("dossier", "Baiduspider", "--log", policy, code=1)).err
