"""Reports of people who were refused: what the log says, one click that exempts, and one that takes it back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from gateway.app.checkup.people import false_positives
from gateway.dashboard.filters import rfc3339
from gateway.dashboard.person_pages import People, choices_of, is_about
from gateway.provenance.record import FetchDetail
from gateway.store.sqlite.person_reports import SqlitePersonReports
from gateway.visitors.exemptions import read_exemptions
from gateway.visitors.person_reports import EXEMPTED, WEEK, PersonReport, Refused
from tests.dashboard.test_browser import CHROMIUM, Watch, browser, picture, sign_in

__all__ = ["browser"]
HOSTILE = "<script>alert('x')</script>"
NETWORK = "network:203.0.113.0/24"


@pytest.fixture
async def people(filled, clock, tmp_path):
    """Two reports about refused requests: one from the network of its request, one from elsewhere."""
    reports, now = SqlitePersonReports(filled.database), clock.now_us() // 1_000_000
    from tests.dashboard.conftest import BASE

    record = replace(
        BASE, id="019ab0aa-0000-7000-8000-000000000001", time_us=clock.now_us() - 9, outcome="refused", status=402,
        problem="license-required", visitor_class="automation", identity="none", ended="refused",
    )  # fmt: skip
    detail = FetchDetail(
        address="203.0.113.9", evidence=("header_contradictions", "no_accept_language", "ua_library")
    )
    await filled.insert((record, detail))
    mine = PersonReport("pr_1", "journal", now - 60, record.id, "/essays/tides", "203.0.113.0/24", HOSTILE)
    await reports.add(mine)
    await reports.add(replace(mine, id="pr_2", network="198.51.100.0/24", at=now - 9 * 86_400))
    return People(reports, tmp_path / "people.toml")


@pytest.fixture
async def board(start, filled, people):
    dashboard = await start(filled, people=people)
    assert (await dashboard.set_password()).status == 303
    return dashboard


def listed(people):
    return read_exemptions(people.file.read_text(), "people.toml")


async def test_a_report_tells_why_and_shows_the_change_before_the_click(board, people):
    page = (await board.get("/refused")).text
    assert "waits for you" in page
    assert HOSTILE not in page
    counts = re.findall(r'<td class="number">(\d+)</td><td class="number">(\d+)</td>', page)
    assert counts[-2:] == [("1", "0"), ("1", "0")]
    text = (await board.get("/refused/pr_1")).text
    assert HOSTILE not in text
    page = unescape(text)
    assert "It lacks Accept-Language" in page
    assert '+reason = "no_accept_language"' in page
    assert '+network = "203.0.113.0/24"' in page
    assert 'reason = "ua_library"' not in page, "whoever says that it is a program is never exempted"
    assert not people.file.exists()


async def test_which_rule_it_was_is_told_in_words_with_its_line_for_whoever_may_read_it(
    start, filled, people, files, clock
):
    from tests.dashboard.conftest import BASE

    record = replace(
        BASE, id="019ab0aa-0000-7000-8000-000000000002", time_us=clock.now_us() - 9, outcome="refused", status=402,
        problem="license-required", policy=files.policies[0].digest, rule="rules[4]", ended="refused",
    )  # fmt: skip
    await filled.insert((record, FetchDetail(address="203.0.113.9", evidence=("ua_library",))))
    now = clock.now_us() // 1_000_000
    await people.reports.add(
        PersonReport("pr_3", "journal", now, record.id, "/essays/tides", "203.0.113.0/24")
    )
    board = await start(filled, people=people, policies=files)
    board.become("owner")
    page = (await board.get("/refused/pr_3")).text
    assert "rule 5: AI crawlers need a license" in page
    assert "rules[4]" not in re.sub(r'href="[^"]*"', "", page)
    (line,) = re.findall(r'href="(/policies/journal/lines[^"]*)"', page)
    assert "Rule 5 is not in the file: it is of the stance" in unescape(
        re.sub(r"</?(bdi|code)>", "", (await board.get(unescape(line))).text)
    )
    # Of rules that nobody kept, there is a number and no line.
    page = (await board.get("/refused/pr_1")).text
    assert "rule 3 of rules that are not kept here" in page
    assert "/policies/journal/lines" not in page


async def test_the_weeks_of_the_page_and_of_its_forms_are_those_that_doctor_counts(board, people, clock):
    await people.reports.decide("pr_2", EXEMPTED, NETWORK, 9)
    rows = json.loads((await board.get("/refused/weeks.json")).text)["rows"]
    assert [(row["reported"], row["agreed"]) for row in rows] == [(0, 0)] * 6 + [(1, 1), (1, 0)]
    now = clock.now_us() // 1_000_000
    assert rows[0]["from"] == rfc3339((now - 8 * WEEK) * 1_000_000)
    page = (await board.get("/refused")).text
    shown = re.findall(r'<td class="number">(\d+)</td><td class="number">(\d+)</td>', page)
    assert [(int(reported), int(agreed)) for reported, agreed in shown] == [
        (row["reported"], row["agreed"]) for row in rows
    ]
    told = false_positives(await people.reports.since(now - 4 * WEEK), now, "").fact
    counted = re.search(r"this one first: ([\d, ]+)", told)
    assert counted
    assert [int(each) for each in counted[1].rstrip(", ").split(", ")] == [
        row["reported"] for row in reversed(rows[-4:])
    ]


@pytest.mark.parametrize("what", [NETWORK, "reason:no_accept_language"])
async def test_one_click_exempts_and_one_takes_it_back(board, people, what):
    people.file.write_text("# written by hand\n")
    form = {"form": await board.form("/refused/pr_1"), "what": what}
    done = await board.post("/refused/pr_1/exempt", form)
    assert (done.status, done.headers["Location"]) == (303, "/refused?done=exempted")
    assert listed(people)
    assert (await people.reports.get("pr_1")).exempted == what
    assert "It is exempted already" in (await board.get("/refused/pr_1")).text
    page = (await board.get("/refused?done=exempted")).text
    assert f'value="{what}"' in page
    assert re.findall(r'<td class="number">(\d+)</td><td class="number">(\d+)</td>', page)[-1] == ("1", "1")
    done = await board.post("/refused/undo", {"form": await board.form("/refused"), "what": what})
    assert done.headers["Location"] == "/refused?done=undone"
    assert people.file.read_text().strip() == "# written by hand"
    assert (await people.reports.get("pr_1")).state == "open"


async def test_nothing_else_can_be_exempted(board, people):
    form = await board.form("/refused/pr_2")
    for what in ("reason:no_accept_language", "reason:ua_library", NETWORK, "network:0.0.0.0/0", "", HOSTILE):
        done = await board.post("/refused/pr_2/exempt", {"form": form, "what": what})
        assert done.status == 400, what
        assert HOSTILE not in done.text
    assert (await board.post("/refused/pr_2/exempt", {"form": "x", "what": NETWORK})).status == 403
    assert (await board.get("/refused/pr_9")).status == 404
    assert not people.file.exists()


async def test_a_file_that_cannot_be_read_is_not_overwritten(board, people):
    form = await board.form("/refused/pr_1")
    for broken in ("[[exempt", "[[exempt]]\nreason = 5\n"):
        people.file.write_text(broken)
        done = await board.post("/refused/pr_1/exempt", {"form": form, "what": NETWORK})
        assert done.status == 400
        assert "mended by hand" in done.text
        assert people.file.read_text() == broken
        assert "not taken up" in (await board.get("/refused")).text
        assert (await board.get("/refused/pr_1")).status in {200, 400}


async def test_a_report_is_dismissed(board, people):
    done = await board.post("/refused/pr_1/dismiss", {"form": await board.form("/refused/pr_1")})
    assert done.headers["Location"] == "/refused?done=dismissed"
    assert (await people.reports.get("pr_1")).state == "dismissed"


def test_only_the_reasons_of_ones_own_request_can_be_exempted():
    report = PersonReport("pr", "journal", 1, "r", "/", "203.0.113.0/24")
    refused = Refused("p", "r", "automation", "", "203.0.113.200", ("no_accept", "ua_library", "no_accept"))
    assert choices_of(report, refused) == ("reason:no_accept", NETWORK)
    assert is_about(report, refused)
    for address in ("198.51.100.1", "", "x", "2001:db8::1"):
        assert choices_of(report, replace(refused, address=address)) == (NETWORK,), address
    assert choices_of(replace(report, network="unknown"), None) == ()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_the_pages_are_clean_and_fit(browser, start, filled, people, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    board = await start(filled, people=people)
    people.file.write_text('[[exempt]]\nreason = "no_ch_ua"\n')
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for name, path in {"people": "/refused", "person": "/refused/pr_1"}.items():
        await page.goto(board.base + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, (path, found.generate_report())
        await picture(page, f"{name}-{scheme}-{width}")
    assert watch.clean()
    await context.close()
