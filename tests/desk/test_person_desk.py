"""People who were taken for machines tell it, without an account, a script or a cookie; and it has an end."""

from __future__ import annotations

import re

import pytest

REQUEST = "0197f0c0-0000-7000-8000-000000000001"
HOSTILE = "<script>alert(1)</script>"
PERSON = "/.licet/person"


async def test_the_form_is_filled_in_by_the_page_that_refused(world):
    answer = await world.get(f"{PERSON}?request={REQUEST}&path=/essays/1", headers={"Accept": "text/html"})
    page = await answer.text()
    assert answer.status == 200
    assert f'value="{REQUEST}"' in page
    assert '<a href="/essays/1">Try the page again</a>' in page
    assert "rights@journal.example" in page
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Robots-Tag"] == "noindex"


async def test_a_report_says_the_network_and_nothing_else_of_who_it_was(world):
    form = {"request": f"urn:uuid:{REQUEST}", "path": "/essays/1?secret=1", "note": f"I am\n real {HOSTILE}"}
    answer = await world.post(PERSON, None, form)
    assert answer.status == 201
    (report,) = await world.person_reports.all(9)
    assert (report.request, report.path, report.network) == (REQUEST, "/essays/1", "203.0.113.0/24")
    assert report.note == f"I am real {HOSTILE}"
    assert world.address not in repr(report)
    assert 'href="/essays/1"' in await answer.text()
    async with world.http.post(world.origin + PERSON, json={"request": REQUEST}) as answer:
        assert answer.status == 201, "a program may tell it too"


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example/", "x", "/a/../b", "/" + "x" * 2000, "/\\evil"]
)
async def test_the_way_back_leads_nowhere_else(world, path):
    answer = await world.get(PERSON, params={"path": path}, headers={"Accept": "text/html"})
    text = await answer.text()
    leads = re.findall(r"""(?:href|action|src)=["']([^"']*)""", text)
    # The same page in another language is asked with the same words.
    assert [to for to in leads if "evil" in to and not to.startswith("?")] == []
    assert "evil" not in re.sub(r"<[^>]*>", "", text)
    assert '<a href="/">Try the page again</a>' in text


@pytest.mark.parametrize("request_", ["", "1", HOSTILE, REQUEST[:-1], REQUEST + "0", "urn:uuid:"])
async def test_a_number_that_is_none_loses_nothing(world, request_):
    answer = await world.post(PERSON, None, {"request": request_, "path": "/essays/1", "note": HOSTILE})
    text = await answer.text()
    assert answer.status == 400
    assert "&lt;script&gt;" in text
    assert HOSTILE not in text
    assert await world.person_reports.all(9) == ()


async def test_robots_fall_into_the_trap_and_floods_end(world):
    answer = await world.post(PERSON, None, {"request": REQUEST, "website": "http://x.example"})
    assert answer.status == 400
    found = [
        (await world.post(PERSON, None, {"request": f"{nth:08}{REQUEST[8:]}"})).status for nth in range(7)
    ]
    assert found == [201] * 5 + [429] * 2
    answer = await world.post(PERSON, None, {"request": REQUEST, "note": "kept"})
    assert int(answer.headers["Retry-After"]) > 0
    assert "kept</textarea>" in await answer.text()
    world.address = "198.51.100.1"
    assert (await world.post(PERSON, None, {"request": REQUEST})).status == 201
