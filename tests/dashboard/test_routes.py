"""The pages over real sockets: who gets in, what they show, and that they show it safely."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import json
import re

import pytest
from structlog.testing import capture_logs

from gateway.dashboard.guards import CONTENT_SECURITY_POLICY
from gateway.dashboard.pages import JOURNAL
from gateway.dashboard.person_pages import People
from tests.dashboard.conftest import form_token

PAGES = (
    "/", "/log", "/live", "/crawlers", "/crawlers/GPTBot", "/crawlers/-?last=all", "/content?last=all",
    "/log?limit=20&before=90", "/log?decision=quoted", "/log?identity=verified&path=/essays/", "/?last=all",
)  # fmt: skip


def spelled(text: str) -> str:
    """A page's text without markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", text))


async def test_every_page_wants_a_session(start, filled):
    board = await start(filled)
    for path in (*PAGES, "/records/x", "/nowhere"):
        answer = await board.get(path)
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in"), path
    for path in ("/log.csv", "/log.json", "/log.jsonl", "/live/events"):
        assert (await board.get(path, Accept="*/*")).status == 401, path
    assert (await board.get("/healthz")).status == 200


async def test_the_link_makes_a_password_once_and_the_password_signs_in(start, filled):
    board = await start(filled)
    token = board.sessions.sign_in_link()
    form = await board.form(f"/sign-in?token={token}")
    sent = {"form": form, "token": token, "password": "tides twice a day", "again": "tides twice a day"}
    first = await board.post("/sign-in", sent)
    assert (first.status, first.headers["Location"]) == (303, "/")
    cookie = first.headers.getall("Set-Cookie")[0]
    assert cookie.startswith("licet_session=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "path=/",
        "samesite=strict",
    }
    assert (await board.get("/")).status == 200

    board.forget_cookies()
    page = await board.get(f"/sign-in?token={token}")
    assert "A sign-in link is needed" in page.text
    form = await board.form("/sign-in")
    second = await board.post("/sign-in", sent | {"form": form})
    assert second.status == 403
    assert (await board.get("/")).status == 303
    assert board.sessions.sign_in_link() == ""

    form = await board.form("/sign-in")
    assert (await board.post("/sign-in", {"form": form, "password": "tides once a day"})).status == 403
    right = await board.post("/sign-in", {"form": form, "password": "tides twice a day"})
    assert right.status == 303
    assert (await board.get("/")).status == 200


async def test_a_sign_in_behind_https_sets_a_host_cookie(start, filled):
    board = await start(filled, ("dashboard.example",))
    token = board.sessions.sign_in_link()
    https = {"X_Forwarded_Proto": "https", "Host": "dashboard.example"}
    page = await board.get(f"/sign-in?token={token}", **https)
    name, _, value = page.headers["Set-Cookie"].partition(";")[0].partition("=")
    assert name == "__Host-licet_form"
    form = re.search(r'name="form" value="([0-9a-f]+)"', page.text)[1]
    sent = {"form": form, "token": token, "password": "tides twice a day", "again": "tides twice a day"}
    answer = await board.post("/sign-in", sent, Cookie=f"{name}={value}", **https)
    cookie = answer.headers.getall("Set-Cookie")[0].lower()
    assert answer.status == 303
    assert cookie.startswith("__host-licet_session=")
    assert "secure" in cookie
    assert "domain" not in cookie


async def test_attempts_are_paced(start, filled):
    board = await start(filled)
    await board.set_password()
    board.forget_cookies()
    form = await board.form("/sign-in")
    found = [(await board.post("/sign-in", {"form": form, "password": "wrong " * 3})) for _ in range(5)]
    assert [answer.status for answer in found] == [403, 403, 403, 403, 429]
    assert int(found[-1].headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "", "Origin": "http://evil.example"},
        {"Sec_Fetch_Site": "", "Origin": "null"},
        {"Sec_Fetch_Site": ""},
    ],
)
async def test_a_changing_request_from_elsewhere_is_refused(board, headers):
    form = await board.form("/")
    assert (await board.post("/sign-out", {"form": form}, **headers)).status == 403
    assert (await board.get("/")).status == 200


async def test_signing_out_wants_the_form_token_and_ends_the_session(board):
    cookies = {cookie.key: cookie.value for cookie in board.client.cookie_jar}
    form = await board.form("/")
    assert (await board.post("/sign-out", {})).status == 403
    assert (await board.post("/sign-out", {"form": "0" * 64})).status == 403
    assert (await board.get("/")).status == 200
    own = {"Sec_Fetch_Site": "", "Origin": board.base}
    assert (await board.post("/sign-out", {"form": form}, **own)).status == 303
    board.forget_cookies()
    kept = f"licet_session={cookies['licet_session']}"
    assert (await board.get("/", Cookie=kept)).status == 303


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "evil.example@localhost", "0.0.0.0", ""]
)
async def test_other_host_names_are_refused(board, host):
    answer = await board.get("/", Host=host or " ")
    assert answer.status == 421
    assert "GPTBot" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8403", "[::1]:8403", "127.0.0.1:1"])
async def test_loopback_names_are_answered(board, host):
    assert (await board.get("/healthz", Host=host)).status == 200


async def test_a_session_ends_when_idle_and_after_twelve_hours(board, clock):
    clock.advance(29 * 60)
    assert (await board.get("/")).status == 200
    clock.advance(30 * 60)
    assert (await board.get("/")).status == 303
    form = await board.form("/sign-in")
    assert (
        await board.post("/sign-in", {"form": form, "password": "tides come in twice a day"})
    ).status == 303
    for _ in range(25):
        clock.advance(28 * 60)
        assert (await board.get("/healthz")).status == 200
        last = await board.get("/")
    assert last.status == 200
    clock.advance(28 * 60)
    assert (await board.get("/")).status == 303


async def test_every_answer_has_the_security_headers(board):
    paths = [
        *PAGES,
        "/log.csv",
        "/healthz",
        "/nowhere",
        "/static/dashboard.css",
        "/static/nothing",
        "/log?from=x",
    ]
    for path in paths:
        answer = await board.get(path)
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Server"] == "licet"
    for answer in (await board.get("/", Host="evil.example"), await board.post("/sign-out", {}, Origin="x")):
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert (await board.get("/")).headers["Cache-Control"] == "no-store"


async def test_pages_hold_no_inline_script_or_style(board):
    for path in (*PAGES, "/records/019ab003-0000-7000-8000-000000000003"):
        page = (await board.get(path)).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        plain = re.sub(r'"[^"]*"', '""', page)
        assert not re.search(r"<style|<[^>]*\s(style|on[a-z]+)=", plain), path
        assert len(re.findall(r"<h1\b", page)) == 1, path


async def test_the_overview_adds_up(board):
    text = re.sub(r"(<[^>]*>|\s)+", " ", (await board.get("/")).text)
    rows = json.loads((await board.get("/log.json?last=24h")).text)["rows"]
    charged = sum(row["charged_micros"] for row in rows)
    assert charged
    assert f"Charged {charged / 1_000_000:.2f} USD to licensees" in text
    licensed = sum(row["decision"] == "licensed" for row in rows)
    ai = sum(row["class"] == "ai" or row["decision"] == "licensed" for row in rows)
    assert f"AI fetches {ai} of {len(rows)} by machines" in text
    assert f"Licensed share {100 * licensed / ai:.0f} %" in text
    assert "People 4,321" in text
    assert sum(row["decision"] == "refused" for row in rows) > 0


@pytest.mark.parametrize(
    "query",
    [
        "",
        "decision=quoted",
        "crawler=GPTBot&decision=licensed",
        "text=/videos/",
        "crawler=-",
        "last=24h&text=tides-3",
    ],
)
async def test_exports_hold_exactly_the_rows_of_the_view(board, query):
    seen: list[str] = []
    path = f"/log?limit=7&{query}"
    while path:
        page = (await board.get(path)).text
        seen += re.findall(r'href="/records/([0-9a-f-]{36})"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = html.unescape(following[1]) if following else ""
    assert seen
    whole = (await board.get(f"/log.json?{query}")).text
    lines = (await board.get(f"/log.jsonl?{query}")).text
    sheet = (await board.get(f"/log.csv?{query}")).text
    assert [row["id"] for row in json.loads(whole)["rows"]] == seen
    assert [json.loads(line)["id"] for line in lines.splitlines()] == seen
    assert [row["id"] for row in csv.DictReader(io.StringIO(sheet))] == seen


async def test_the_page_links_to_its_own_exports(board):
    page = (await board.get("/log?decision=quoted&crawler=ClaudeBot")).text
    for ending, media_type in (
        ("csv", "text/csv"),
        ("json", "application/json"),
        ("jsonl", "application/x-ndjson"),
    ):
        link = html.unescape(re.search(rf'href="(/log\.{ending}\?[^"]*)"', page)[1])
        answer = await board.get(link)
        assert answer.headers["Content-Type"].startswith(media_type)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="licet-log.{ending}"'
        assert "ClaudeBot" in answer.text
        assert "GPTBot" not in answer.text


async def test_a_csv_holds_no_formula_and_no_broken_line(board):
    sheet = (await board.get("/log.csv")).text
    rows = list(csv.reader(io.StringIO(sheet)))
    assert len(rows) == 1 + 132
    texts = [cell for row in rows for cell in row]
    assert any(cell.startswith("'=HYPERLINK") for cell in texts)
    assert not [cell for cell in texts if cell.lstrip()[:1] in set("=+-@")]
    assert "a\\u000d\\u000aSet-Cookie: x=1" in texts
    assert "\u202e" not in sheet


async def test_a_bad_filter_shows_no_rows_and_says_why(board):
    for query, said in (
        ("from=yesterday", "from must be a date"),
        ("decision=maybe", "decision must be one of"),
        ("last=2y", "last must be one of"),
        ("from=2026-11-20&to=2026-11-19", "to must be later than from"),
        ("crawler=a&crawler=b", "crawler is given twice"),
        ("limit=501", "limit must be a whole number"),
        ("before=-1", "before must be a sequence number"),
    ):
        page = await board.get(f"/log?{query}")
        assert page.status == 400, query
        assert said in re.sub(r"\s+", " ", spelled(page.text)), query
        assert "/records/" not in page.text
        assert (await board.get(f"/log.csv?{query}")).status == 400
    page = await board.get("/log?colour=red")
    assert page.status == 200
    assert "'colour' is no filter of this page" in spelled(page.text)


async def test_hostile_strings_are_shown_and_do_nothing(board):
    ids = [row["id"] for row in json.loads((await board.get("/log.json?limit=20")).text)["rows"]][:12]
    pages = [(await board.get(path)).text for path in (*PAGES, *(f"/records/{i}" for i in ids))]
    # What a form sends back must be exact; what is looked at must not.
    pages = [re.sub(r'<option value="[^"]*"', "<option", page) for page in pages]
    for page in pages:
        tags = {tag.lower() for tag in re.findall(r"<([a-zA-Z!][^\s>/]*)", page)}
        assert not tags & {"img", "iframe", "object", "style"}
        assert "$49" not in page
        assert not set(page) & {"\u202e", "\r", "\x00"}
    everything = spelled("".join(pages))
    for text in (
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(1)</script>",
        "\\u202egnp.exe",
        "${7*7}{{7*7}}",
    ):
        assert text in everything
    assert "x" * 10_000 in everything


async def test_personal_detail_stands_on_the_record_page_alone(board, filled):
    record = "019ab003-0000-7000-8000-000000000003"
    for path in (*PAGES, "/log.csv", "/log.json", "/log.jsonl"):
        assert "203.0.113.9" not in (await board.get(path)).text, path
    shut = await board.get(f"/records/{record}")
    assert "203.0.113.9" not in shut.text
    page = (await board.post(f"/records/{record}/reveal", {"form": form_token(shut.text)})).text
    for said in (
        "203.0.113.9",
        "Evidence",
        "Identity",
        "Rule",
        "Price",
        "License",
        "Charge",
        record,
        "rule 3",
    ):
        assert said in page
    await filled.forget()
    page = (await board.get(f"/records/{record}")).text
    assert "203.0.113.9" not in page
    assert "The personal detail of this fetch was erased" in page
    assert (await board.get("/records/none")).status == 404


async def test_live_without_script_is_a_table_that_loads_itself_again(board):
    page = (await board.get("/live")).text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert len(re.findall(r'href="/records/', page)) == 50
    assert "http-equiv" not in (await board.get("/live?refresh=off")).text


async def test_empty_pages_teach(start, database):
    board = await start(database)
    await board.set_password()
    for path in ("/", "/log", "/live"):
        page = await board.get(path)
        assert page.status == 200
        assert "curl -A GPTBot" in page.text, path
    assert (await board.get("/log.json")).text == '{"rows":[]}\n'
    assert (await board.get("/log.jsonl")).text == ""


async def test_a_store_that_is_down_is_a_page_that_says_so(start, closed_database):
    board = await start(closed_database)
    await board.set_password()
    for path in ("/", "/log", "/live", "/records/x", "/log.csv"):
        answer = await board.get(path)
        assert answer.status == 503, path
        assert "The log cannot be read at the moment" in answer.text
        assert "database is closed" not in answer.text


async def test_a_journal_that_is_not_well_is_said_on_every_page_and_to_the_health_check(board):
    board.status[JOURNAL] = "the disk is full"
    assert "the disk is full" in (await board.get("/log")).text
    health = await board.get("/healthz")
    assert (health.status, health.text) == (503, '{"status": "unwell"}')
    board.forget_cookies()
    assert "the disk is full" not in (await board.get("/sign-in")).text


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded; charset=nonsense"}, b"token=x"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"token=%ff&form=\xff\xfe"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--y\r\n\r\nno form"),
        ({"Content-Type": "multipart/form-data"}, b"no boundary"),
    ],
)
async def test_no_bytes_of_a_stranger_make_it_answer_500(board, headers, body):
    board.forget_cookies()
    host, port = board.base.removeprefix("http://").split(":")
    fields = {"Host": f"{host}:{port}", "Sec-Fetch-Site": "same-origin", "Connection": "close", **headers}
    fields["Content-Length"] = str(len(body))
    for path in ("/sign-in", "/sign-out", "/log"):
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        head = "\r\n".join(lines).encode() + b"\r\nCookie: licet_session=\xff\xfe; licet_form=\xe9\r\n\r\n"
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head + body)
        status = int((await reader.readline()).split()[1])
        writer.close()
        assert status < 500, (path, status)


async def test_the_overview_says_when_the_books_were_reconciled(start, filled):
    board = await start(filled)
    await board.set_password()
    assert "books agree" not in (await board.get("/")).text
    board.status["the books"] = "26 Nov 2026 03:00 UTC: the books <agree> in all 14 comparisons"
    page = await board.get("/?last=all")
    assert "26 Nov 2026 03:00 UTC: the books <agree> in all 14 comparisons" in spelled(page.text)
    assert "<agree>" not in page.text
    assert page.text.count("03:00 UTC") == 1, "and not among the sites"


class Breaking:
    """Reports that break: with "handler" when they are asked for, else when they are drawn."""

    def __init__(self, where: str) -> None:
        self.where = where

    async def all(self, _most):
        if self.where == "handler":
            raise RuntimeError("the floor is 286.6095")
        return (object(),)

    async def since(self, _at):
        return ()


@pytest.mark.parametrize("where", ["handler", "template"])
async def test_a_page_that_breaks_while_it_is_drawn_is_the_dashboards_own(start, filled, tmp_path, where):
    board = await start(filled, people=People(Breaking(where), tmp_path / "people.toml"))
    await board.set_password()
    with capture_logs() as logs:
        answer = await board.get("/refused")
    assert answer.status == 500
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    (told,) = (each for each in logs if each["log_level"] == "error")
    said = spelled(answer.text)
    assert "This page broke" in said
    assert told["request"] in said
    assert "Load the page again" in said
    assert '<a href="/log"' in answer.text, "the bar leads on"
    for word in ("286.6095", "RuntimeError", "Traceback", "undefined", "object"):
        assert word not in said
    found = json.loads((await board.get("/refused.json")).text)
    assert (found["status"], found["title"], found["request"][:3]) == (500, "This page broke", "re_")
    assert "286.6095" not in str(found)
    assert (await board.get("/log")).status == 200
