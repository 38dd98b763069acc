"""The calendar of duties and the page of one: where each stands, what a form does, what hostile text does not."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.duty_pages import KINDS, MOST_SHOWN, DutyRow, calendar_of
from gateway.dashboard.table_forms import PAGE_ROWS
from gateway.licenses.license import License
from gateway.licenses.obligations import (
    DAY,
    Evidence,
    Kind,
    State,
    accepted,
    delivered,
    excused,
    rejected,
    schedule,
)
from gateway.licenses.output_review import reviewed
from gateway.licenses.transparency import TransparencyReport
from gateway.store.sqlite.duties import SqliteDuties
from tests.dashboard.conftest import HOSTILE, TERMS, form_token

START = 1_767_225_600
DUTIES = schedule(License("li_1", "le_1", "journal", "", TERMS, "p", START, START + 730 * DAY))


def row_of(duty, now):
    return DutyRow(duty, reviewed(duty, now), "Lab", suspends=False)


def changed(duty, how):
    came = delivered(duty, Evidence("a" * 64, "text/plain", 1, duty.due_at), duty.due_at)
    return {"open": duty, "came": came, "done": accepted(came), "waived": excused(duty, "x")}[how]


@given(
    st.lists(st.sampled_from(("open", "came", "done", "waived")), min_size=len(DUTIES), max_size=len(DUTIES)),
    st.integers(-100, 900),
)
def test_each_duty_stands_in_one_place(hows, days):
    now = START + days * DAY
    rows = [row_of(changed(duty, how), now) for duty, how in zip(DUTIES, hows, strict=True)]
    calendar = calendar_of(rows, now)
    shown = [*calendar.late, *calendar.waiting, *calendar.soon, *calendar.done]
    shown += [row for _, month in calendar.later for row in month]
    assert sorted(each.duty.id for each in shown) == sorted(each.duty.id for each in rows)
    assert all(each.state is State.OVERDUE for each in calendar.late)
    assert [each.duty.deadline for each in calendar.late] == sorted(
        each.duty.deadline for each in calendar.late
    )
    months = [month for month, _ in calendar.later]
    assert len(months) == len(set(months)), "each heading once"


def test_every_kind_has_a_name():
    assert KINDS.keys() == set(Kind)


@pytest.fixture
async def desk(start, database, owed):
    dashboard = await start(database, duties=owed.book)
    assert (await dashboard.set_password()).status == 303
    return dashboard


async def test_what_is_late_comes_first_and_everybody_has_a_name(desk, owed):
    assert "Nobody owes you anything" in (await desk.get("/duties")).text
    await owed.license("Punctual Ltd", days_ago=1)
    late = await owed.license("Late Ltd", days_ago=200)
    await owed.book.remind_and_suspend(owed.now)
    page = (await desk.get("/duties")).text
    assert page.index("Overdue</h2>") < page.index("Late Ltd</bdi>") < page.index("Punctual Ltd</bdi>")
    assert "suspended</strong>" in page
    only = (await desk.get(f"/duties?licensee={late.licensee}")).text
    assert "Punctual Ltd</bdi>" not in only
    assert "Late Ltd</bdi>" in only
    assert "This licensee has no duties" in (await desk.get("/duties?licensee=le_9")).text
    assert 'href="/duties"' in (await desk.get("/")).text


async def test_a_creator_judges_by_forms_and_only_by_those_of_its_session(desk, owed):
    license = await owed.license(days_ago=200)
    await owed.book.remind_and_suspend(owed.now)
    duty = await owed.one(license)
    at = f"/duties/{duty.id}"
    page = (await desk.get(at)).text
    assert "The license is suspended." in page
    form = {"form": form_token(page), "version": duty.version, "why": "The product was never launched."}
    assert (await desk.post(f"{at}/excuse", {**form, "form": "0" * 64})).status == 403
    assert (await desk.post(f"{at}/excuse", form, Sec_Fetch_Site="cross-site")).status == 403
    assert (await owed.one(license)).state is State.OPEN
    done = await desk.post(f"{at}/excuse", form)
    assert (done.status, done.headers["Location"]) == (303, f"{at}?done=excuse")
    assert (await owed.one(license)).why == "The product was never launched."
    page = (await desk.get(f"{at}?done=excuse")).text
    assert "Waived." in page
    assert "The license is suspended." not in page
    desk.forget_cookies()
    assert (await desk.get(at)).status == 303


async def test_what_changed_meanwhile_is_not_judged_and_what_was_typed_is_kept(desk, owed):
    license = await owed.license(days_ago=200)
    before = await owed.one(license, Kind.ATTRIBUTION)
    came = await owed.hand_in(before, b"A picture.")
    at = f"/duties/{came.id}"
    form = form_token((await desk.get(at)).text)
    again = await owed.hand_in(came, b"Another picture.")
    typed = {"form": form, "version": came.version, "why": "It names <b>nobody</b>."}
    refused = await desk.post(f"{at}/reject", typed)
    assert refused.status == 409
    assert "It changed after you opened the page" in refused.text
    assert "It names &lt;b&gt;nobody&lt;/b&gt;." in refused.text
    assert await owed.one(license, Kind.ATTRIBUTION) == again
    for wrong in ({"version": ""}, {"version": "x"}):
        assert (await desk.post(f"{at}/accept", {**typed, **wrong})).status == 409
    assert (await desk.post(f"{at}/reject", {**typed, "version": again.version, "why": " "})).status == 400
    assert (await desk.post(f"{at}/reject", {**typed, "version": again.version})).status == 303
    assert (await owed.one(license, Kind.ATTRIBUTION)).state is State.REJECTED
    assert (await desk.post("/duties/du_9/accept", typed)).status == 404
    assert (await desk.get("/duties/du_9")).status == 404


async def test_samples_are_vetoed_by_number(desk, owed):
    license = await owed.license(days_ago=130)
    duty = await owed.one(license, Kind.OUTPUT_SAMPLES)
    body = json.dumps({"samples": [{"output": "x", "works": ["/a"]}] * 2}).encode()
    came = await owed.hand_in(duty, body, media_type="application/json")
    at = f"/duties/{came.id}"
    form = {
        "form": form_token((await desk.get(at)).text),
        "version": came.version,
        "why": "It denies the tides.",
    }
    for samples in ("", "x", "0", "3", "1;2", "9" * 9, "²"):
        refused = await desk.post(f"{at}/veto", {**form, "samples": samples})
        assert refused.status == 400, samples
    assert (await desk.post(f"{at}/veto", {**form, "samples": "2, 1"})).status == 303
    assert (await owed.one(license, Kind.ANSWER)).asked.endswith("Samples 1, 2: It denies the tides.")


async def test_a_report_shows_what_it_makes_due(desk, owed):
    from dataclasses import replace

    from gateway.money import Money

    price = replace(TERMS.compensation, revenue_share_bp=300, per_inference=Money(100, "USD"))
    license = await owed.license(days_ago=130, compensation=price)
    duty = await owed.one(license)
    report = TransparencyReport.model_validate(
        {
            "duty": duty.id, "license": license.id, "period": {"begins": duty.begins, "ends": duty.ends},
            "datasets": [{"name": "<b>", "content": ["/diary/<script>"], "items": 1}],
            "models": [{"name": "S", "version": "1", "datasets": []}], "inferences": [{"model": "S 1", "count": 5}],
            "revenue": [{"product": "p", "net": {"micros": 1_000_000, "currency": "USD"}}],
            "statement": {"by": "Eve", "role": "CEO"},
        }
    )  # fmt: skip
    evidence = Evidence(report.sha256, "application/json", len(report.document), owed.now, "report.json")
    await owed.book.hand_in(duty, duty.version, report.document, evidence, owed.now, report=report)
    page = (await desk.get(f"/duties/{duty.id}")).text
    assert "0.03 <abbr>USD" in page
    assert "5 at 0.0001 USD" in page
    assert "/diary/&lt;script&gt;" in page
    assert "<script>" not in page.replace("</script>", "")


async def test_what_was_handed_in_is_saved_and_never_drawn(desk, owed):
    license = await owed.license(days_ago=130)
    duty = await owed.one(license, Kind.ATTRIBUTION)
    octets = b"<script>alert(1)</script>"
    came = await owed.hand_in(duty, octets, name="<img src=x onerror=alert(1)>.html")
    sha256 = came.evidence[0].sha256
    answer = await desk.get(f"/duties/{duty.id}/evidence/{sha256}")
    assert answer.text.encode() == octets
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="attribution-{sha256[:12]}.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for none in ("0" * 64, "..%2f..%2flicet.db"):
        assert (await desk.get(f"/duties/{duty.id}/evidence/{none}")).status == 404
    other = await owed.one(license)
    assert (await desk.get(f"/duties/{other.id}/evidence/{sha256}")).status == 404, "of this duty alone"
    assert "<img" not in (await desk.get(f"/duties/{duty.id}")).text


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_stays_text(desk, owed, text):
    license = await owed.license(name=re.sub(r"\s", " ", text)[:100] or "x")
    duty = await owed.one(license, Kind.ATTRIBUTION)
    await owed.hand_in(duty, b"x", name=text[:100])
    for path in ("/duties", f"/duties/{duty.id}"):
        page = await desk.get(path)
        assert page.status == 200
        for active in ("<img src=x", "<script>alert", "<svg/onload", 'href="javascript', "\u202e"):
            assert active not in page.text


class Counted(SqliteDuties):
    """The real store, and how many rows were asked of it at once."""

    asked: list[int]

    async def everything(self, most, behind=None, *, licensee=""):
        self.asked.append(most)
        return await super().everything(most, behind, licensee=licensee)

    async def part(self, part, now, most, *, licensee=""):
        self.asked.append(most)
        return await super().part(part, now, most, licensee=licensee)


async def test_a_calendar_of_any_length_reads_what_it_shows(start, database, owed):
    """Its figures are of all; the list goes on behind a place, and leaves out none."""
    license = await owed.license("Busy Ltd", days_ago=1)
    other = await owed.license("Other Ltd", days_ago=1)
    like = await owed.one(license)
    late = [replace(like, id=f"du_{nth:04}", due_at=owed.now - nth // 2) for nth in range(MOST_SHOWN + 60)]
    await owed.duties.plan(license, late)
    done = [
        replace(like, id=f"du_x{nth:03}", due_at=owed.now - nth, state=State.EXCUSED) for nth in range(70)
    ]
    await owed.duties.plan(other, [replace(each, license=other.id, licensee=other.licensee) for each in done])
    counted = Counted(database.database)
    counted.asked = []
    desk = await start(database, duties=replace(owed.book, duties=counted))
    assert (await desk.set_password()).status == 303
    counted.asked.clear()
    page = (await desk.get("/duties")).text
    assert counted.asked
    assert max(counted.asked) == MOST_SHOWN
    assert f'Overdue</dt><dd class="denied">{MOST_SHOWN + 60}</dd>' in page
    assert page.count('href="/duties/du_0') == MOST_SHOWN
    # The longest late come first, the newest of those that are done.
    shown = re.findall(r'href="/duties/(du_0\d+)"', page)
    assert shown == [each.id for each in sorted(late, key=lambda duty: duty.place)][:MOST_SHOWN]
    assert re.findall(r'href="/duties/(du_x\d+)"', page) == [f"du_x{nth:03}" for nth in range(50)]
    assert "There are more than fit here" in page
    (whole,) = re.findall(r'<a href="(/duties\.html[^"]*)">all in one list', page)
    counted.asked.clear()
    seen, at = [], whole
    while at:
        turned = (await desk.get(html.unescape(at))).text
        seen += re.findall(r'data-name="Id">(?:<[^>]*>)*(du_[0-9a-z]+)', turned)
        found = re.search(r'rel="next" href="([^"]+)"', turned)
        at = found[1] if found else ""
    assert set(counted.asked) == {PAGE_ROWS + 1}
    every = [row["id"] for row in json.loads((await desk.get("/duties.json")).text)["rows"]]
    # A long id stands there by its beginning.
    assert [id[:17] for id in every] == [id[:17] for id in seen]
    assert len(every) == len(set(every)) == len(await owed.duties.everything(9_999))
    mine = json.loads((await desk.get(f"/duties.json?licensee={other.licensee}")).text)["rows"]
    assert {row["name"] for row in mine} == {"Other Ltd"}
    assert len(mine) == len(await owed.duties.of(other.licensee, "journal"))
    only = (await desk.get(f"/duties?licensee={other.licensee}")).text
    assert ("There are more" in only, "Overdue</dt><dd>0</dd>" in only) == (False, True)


async def test_a_list_of_duties_goes_on_though_its_last_row_moved(desk, owed):
    license = await owed.license("Busy Ltd", days_ago=1)
    like = await owed.one(license)
    many = [replace(like, id=f"du_{nth:04}", due_at=owed.now - 500 + nth) for nth in range(PAGE_ROWS * 2)]
    await owed.duties.plan(license, many)
    first = (await desk.get("/duties.html")).text
    more = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    last = many[PAGE_ROWS - 1]
    came = delivered(last, Evidence("a" * 64, "text/plain", 1, owed.now), owed.now)
    assert await owed.duties.put(last.version, came, at=owed.now)
    back = rejected(came, "no", owed.now)
    assert await owed.duties.put(came.version, back, at=owed.now)
    assert back.deadline > last.deadline
    second = (await desk.get(more)).text
    assert re.findall(r'data-name="Id">(?:<[^>]*>)*(du_\d{4})<', second) == [
        each.id for each in many[PAGE_ROWS : PAGE_ROWS * 2]
    ]
    for page in ("/duties", "/duties.html"):
        for wrong in ("du_0001", "x.du_0001", "1.", "1.%00", "9" * 13 + ".du_1"):
            assert (await desk.get(f"{page}?after={wrong}")).status == 400, (page, wrong)
    flat = (await desk.get(more.replace(".html", ""))).text
    assert re.findall(r'href="/duties/(du_\d{4})"', flat) == [each.id for each in many[PAGE_ROWS:]]
