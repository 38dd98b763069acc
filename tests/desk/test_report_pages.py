"""Reports handed in by a form: checked with their price first, every mistake at its place, and nothing lost."""

from __future__ import annotations

import io
import re
from html import unescape

import aiohttp
import pytest

from gateway.desk.report_pages import _form_in
from gateway.licenses.evidence_shelf import LARGEST
from tests.desk.test_duties import Buyer, buyer, license_of

__all__ = ["buyer"]
NEW, BLANK = "/.licet/reports/new", "/.licet/reports/blank"
HEAD = "row,name,version,role,datasets,content,count,amount,currency,released_on\n"
TABLE = (
    f"{HEAD}dataset,Essays,,,,/archive/tides /diary/x,2,,,\nmodel,Writer,1,,Essays,,,,,\ninferences,Writer,1,,,,12000,,,\n"
    "revenue,Search,,,,,,1200.50,USD,\nstatement,Eve Example,,CEO,,,,,,\n"
)
HOSTILE = "<script>alert(1)</script>"


async def get(buyer, path):
    login = aiohttp.encode_basic_auth(buyer.made.client.id, buyer.made.secret)
    headers = {"Authorization": login, "Accept": "text/html"}
    async with buyer.world.http.get(buyer.world.origin + path, headers=headers) as answer:
        return answer.status, (await answer.read()).decode(), answer.headers


async def send(buyer, page, act="check", text="", file=None, **changes):
    """Send the form on *page* as a browser does."""
    form = aiohttp.FormData(default_to_multipart=True)
    hidden = {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    }
    for name, value in {**hidden, "text": text, "act": act, **changes}.items():
        form.add_field(name, value)
    form.add_field(
        "file",
        io.BytesIO(file or b""),
        filename="report.csv" if file else "",
        content_type="application/octet-stream",
    )
    login = aiohttp.encode_basic_auth(buyer.made.client.id, buyer.made.secret)
    async with buyer.world.http.post(
        buyer.world.origin + NEW, data=form, headers={"Authorization": login, "Accept": "text/html"}
    ) as answer:
        return answer.status, (await answer.read()).decode()


def typed(page):
    return unescape(re.search(r"<textarea[^>]*>\n(.*)</textarea>", page, re.DOTALL)[1])


@pytest.fixture
async def open_report(buyer):
    """The page of a report that may be handed in now."""
    duty = await buyer.one()
    buyer.world.clock.advance(duty["period"]["ends"] - buyer.world.now)
    status, page, headers = await get(buyer, f"{NEW}?duty={duty['id']}")
    assert status == 200
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    return page, duty


async def test_what_is_to_be_handed_in_is_listed(buyer):
    assert "No report is to be handed in now." in (await get(buyer, NEW))[1]
    duty = await buyer.one()
    assert (await get(buyer, f"{NEW}?duty={duty['id']}"))[0] == 409
    buyer.world.clock.advance(duty["period"]["ends"] - buyer.world.now)
    _, page, _ = await get(buyer, NEW)
    assert f'href="{NEW}?duty={duty["id"]}"' in page
    assert "overdue" not in page
    buyer.world.clock.advance(100 * 86_400)
    assert "overdue" in (await get(buyer, NEW))[1]
    assert (await get(buyer, f"{NEW}?duty=du_9"))[0] == 404


async def test_the_account_of_a_licensee_leads_there(buyer):
    duty = await buyer.one()
    status, page, _ = await get(buyer, "/.licet/account")
    assert status == 200
    assert f'href="{NEW}?duty={duty["id"]}"' in page


async def test_a_table_is_checked_then_sent_and_its_price_is_shown_before(buyer, open_report):
    page, duty = open_report
    license = await license_of(buyer)
    status, checked = await send(buyer, page, file=TABLE.encode())
    assert status == 200
    assert "Nothing is sent yet." in checked
    assert typed(checked) == TABLE
    assert (await buyer.one())["state"] == "open"
    if license.terms.compensation.revenue_share_bp:
        assert "1200.5 USD" in checked
    assert "/diary/x is outside of what the license covers." in checked
    status, other = await send(buyer, checked, "send", text=TABLE.replace("1200.50", "9"))
    assert (status, "Nothing is sent yet." in other) == (200, True), "its price was not shown yet"
    assert (await buyer.one())["state"] == "open"
    status, done = await send(buyer, checked, "send", text=TABLE.replace("\n", "\r\n"))
    assert status == 201
    assert "Your report has arrived" in done
    (handed,) = await buyer.world.duties.reports(license.id)
    assert handed.duty == duty["id"]
    assert [(each.product, each.net.micros) for each in handed.report.revenue] == [("Search", 1_200_500_000)]
    assert [(each.name, each.items, each.content) for each in handed.report.datasets] == [
        ("Essays", 2, ["/archive/tides", "/diary/x"])
    ]
    again = await send(buyer, checked, "send", text=TABLE)
    assert again[0] in {201, 409}, "the same report again is the same act"
    assert len(await buyer.world.duties.reports(license.id)) == 1


async def test_every_mistake_is_named_at_its_row_and_column_and_nothing_is_lost(buyer, open_report):
    page, _ = open_report
    bad = (
        f"{HEAD}dataset,Essays,,,,notapath,many,,,\nmodel,Writer,1,,Other,,,,,tomorrow\ninferences,Reader,1,,,,-5,,,\n"
        f'revenue,Search,,,,,,"12,5",US,\nwhat,x,,,,,,,,\nstatement,{HOSTILE},,,,,,,,\n'
    )
    status, shown = await send(buyer, page, text=bad)
    assert status == 400
    told = unescape(shown)
    for line in (
        "Row 2, column content:", "Row 2, column count: is a whole number such as 1200, not 'many'",
        "Row 3, column datasets: names one that is not among the datasets", "Row 3, column released_on:",
        "Row 4, column count: is a whole number such as 1200, not '-5'", "Row 5, column amount: an amount looks like 0.02",
        "Row 5, column currency:", "Row 6, column row: is one of dataset", "Row 7, column role:",
    ):  # fmt: skip
        assert line in told, line
    assert typed(shown) == bad
    assert HOSTILE not in shown
    assert (await buyer.one())["state"] == "open"
    status, shown = await send(buyer, shown, "send", text=bad)
    assert status == 400


async def test_json_is_taken_too_and_its_mistakes_have_a_line(buyer, open_report):
    page, duty = open_report
    license = await license_of(buyer)
    status, shown = await send(buyer, page, text='{\n  "duty": ,\n}')
    assert status == 400
    assert "Row 2, column 1" in shown
    assert "is no JSON" in shown
    status, shown = await send(buyer, page, text="{}")
    assert (status, "duty: Field required" in shown) == (400, True)
    report = (
        f'{{"duty": "{duty["id"]}", "license": "{license.id}", "period": {{"begins": {duty["period"]["begins"]},'
        f' "ends": {duty["period"]["ends"]}}}, "datasets": [], "models": [], "inferences": [],'
        ' "revenue": [{"product": "S", "net": {"micros": 5, "currency": "USD"}}], "statement": {"by": "Eve", "role": "CEO"}}'
    )
    status, shown = await send(buyer, page, text=report)
    assert status == 200
    assert typed(shown) == report


async def test_forms_of_others_and_old_ones_do_nothing(buyer, open_report):
    page, duty = open_report
    status, shown = await send(buyer, page, "send", text=TABLE, form="0" * 64)
    assert (status, "The form was too old" in shown) == (400, True)
    assert typed(shown) == TABLE
    assert (await buyer.one())["state"] == "open"
    other = Buyer(buyer.world, await buyer.world.licensee())
    assert (await send(other, page, "send", text=TABLE))[0] == 404
    assert (await get(other, f"{NEW}?duty={duty['id']}"))[0] == 404
    assert (await send(buyer, page, file=b"x" * (3 * LARGEST)))[0] == 413
    _, checked = await send(buyer, page, text=TABLE)
    status, shown = await send(buyer, checked, "send", text=TABLE, version="sha-256:0")
    assert (status, typed(shown)) == (409, TABLE)
    login = aiohttp.encode_basic_auth(buyer.made.client.id, buyer.made.secret)
    for body, kind in (
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=a"),
        (b"", "multipart/form-data; boundary=a"),
    ):
        async with buyer.world.http.post(
            buyer.world.origin + NEW, data=body, headers={"Authorization": login, "Content-Type": kind}
        ) as answer:
            assert answer.status == 400
    async with buyer.world.http.get(buyer.world.origin + NEW) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    "file", [b"\xff\xfe\x00r", TABLE.encode("utf-16"), b"", b"\x00\x01", b"\n\n\n", b'"']
)
async def test_files_that_are_no_report_are_told_and_nothing_breaks(buyer, open_report, file):
    page, _ = open_report
    status, shown = await send(buyer, page, file=file)
    assert status == 400
    assert 'role="alert"' in shown


async def test_the_table_to_begin_with_is_one_that_can_be_read(buyer, open_report):
    page, duty = open_report
    status, text, headers = await get(buyer, f"{BLANK}?duty={duty['id']}")
    assert (status, headers["Content-Type"]) == (200, "text/csv")
    status, shown = await send(buyer, page, text=text)
    assert status == 400
    told = re.findall(r"<li>([^<]*)</li>", shown)
    assert told, shown
    assert all("Row 6" in each for each in told), "who answers for it is all that is missing"


def test_no_octets_of_a_form_raise():
    whole = b'--a\r\nContent-Disposition: form-data; name="text"\r\n\r\nx\r\n--a--\r\n'
    assert _form_in(whole, "multipart/form-data; boundary=a") == {"text": "x"}
    for octets in (whole[:20], whole + whole, b"--a" * 999, b"\x00" * 99, whole.replace(b"text", b"other")):
        assert _form_in(octets, "multipart/form-data; boundary=a") in (None, {"text": "x"})
    for kind in (
        "multipart/form-data",
        "text/plain",
        "multipart/form-data; boundary=" + "b" * 300,
        "x\r\ny: z",
    ):
        assert _form_in(whole, kind) is None
