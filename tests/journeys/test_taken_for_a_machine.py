"""Somebody whose browser leaves out what browsers send is refused, says so, and is let in: nothing else changes."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

from gateway.store.sqlite.person_reports import SqlitePersonReports
from gateway.visitors.exemptions import with_exempt
from tests.journeys.test_developers import POLICY

#: A browser by its name, behind something that takes headers away.
BARE = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept": "text/html,*/*;q=0.8",
    "Sec-CH-UA-Platform": '"Linux"',
    "X-Forwarded-For": "203.0.113.9",
}  # fmt: skip


async def ask(one, path, **more):
    async with one.http.get(one.front + path, headers={**BARE, **more}) as answer:
        return answer, (await answer.read()).decode()


async def test_a_person_is_refused_tells_it_and_reads_on(world) -> None:
    one = await world(policy=POLICY)
    answer, page = await ask(one, "/essays/tides?lang=de")
    assert answer.status == 402
    assert "Sind Sie ein Mensch?" in page
    assert answer.headers["Content-Language"] == "de"
    assert "accept-language" in answer.headers["Vary"].lower()
    assert "Set-Cookie" not in answer.headers
    link = unescape(re.search(r'href="(/\.licet/person[^"]*)"', page)[1])
    answer, _ = await ask(one, link)
    assert answer.status == 200
    sent = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    async with one.http.post(f"{one.front}/.licet/person", data=sent, headers=BARE) as answer:
        assert answer.status == 201
        assert "Set-Cookie" not in answer.headers
    await one.folded(sent["request"])
    reports = SqlitePersonReports(one.licet.database)
    (report,) = await reports.all(9)
    assert (report.path, report.network) == ("/essays/tides", "203.0.113.0/24")
    refused = await reports.refused(report.request)
    assert "header_contradictions" in refused.reasons

    people = one.licet.config.folder / "people.toml"
    people.write_text(with_exempt("", f"network:{report.network}", 1, report.id))
    await one.licet.front.identification.renew()
    answer, page = await ask(one, "/essays/tides")
    assert (answer.status, page.encode()) == (
        200,
        await (await one.http.get(one.origin.url + "/essays/tides")).read(),
    )
    before = len(await one.records())
    await ask(one, "/essays/tides")
    assert len(await one.records()) == before, "a person leaves no record"
    elsewhere, _ = await ask(one, "/essays/tides", **{"X-Forwarded-For": "198.51.100.9"})
    crawler, _ = await ask(one, "/essays/tides", **{"User-Agent": "GPTBot/1.2"})
    assert (elsewhere.status, crawler.status) == (402, 402)

    people.write_text("[[exempt]")
    await one.licet.front.identification.renew()
    assert (await ask(one, "/essays/tides"))[0].status == 200, "what cannot be read changes nothing"
    people.unlink()
    await one.licet.front.identification.renew()
    assert (await ask(one, "/essays/tides"))[0].status == 402
