from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from gateway.ask import Ask, HeaderFields
from gateway.visitors.contradictions import STRONG, contradictions, grease, strikes

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.2 Safari/605.1.15"
BRANDS = '"Google Chrome";v="147", "Not.A/Brand";v="8", "Chromium";v="147"'
ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
OPENED = {
    "sec-ch-ua": BRANDS,
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "upgrade-insecure-requests": "1",
    "user-agent": CHROME,
    "accept": ACCEPT,
    "sec-fetch-site": "none",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "accept-language": "de",
}


def ask_of(headers, origin="https://journal.example", method="GET", path="/essays/") -> Ask:
    if not isinstance(headers, HeaderFields):
        pairs = headers.items() if isinstance(headers, dict) else headers
        headers = HeaderFields((name.lower(), value) for name, value in pairs)
    return Ask(
        id="0197f0c0-0000-7000-8000-000000000001",
        asked_at_us=1,
        site="journal",
        origin=origin,
        method=method,
        target=path,
        path=path,
        headers=headers,
    )


def changed(**headers: str | None) -> dict[str, str]:
    merged = {**OPENED, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def test_a_page_opened_in_chrome_is_in_order():
    assert contradictions(ask_of(OPENED), ordered=True) == ()


@pytest.mark.parametrize(
    ("headers", "codes"),
    [
        (changed(accept=None), ("no_accept",)),
        (changed(accept="*/*"), ("accept_without_html",)),
        (changed(accept_language=None), ("no_accept_language",)),
        (changed(accept=ACCEPT.replace("q=0.7", "q=0.9")), ("accept_sxg_q_stale",)),
        (changed(upgrade_insecure_requests=None), ("no_upgrade_insecure_requests",)),
        (changed(sec_ch_ua=BRANDS.replace(".A/", "-A.")), ("ch_ua_grease_wrong",)),
        (changed(sec_ch_ua='"Chromium";v="147", "Google Chrome";v="147"'), ("ch_ua_grease_wrong",)),
        (
            changed(sec_ch_ua='"Chromium";v="147", "Not.A/Brand";v="8", "Google Chrome";v="147"'),
            ("ch_ua_order_wrong",),
        ),
        (changed(user_agent=CHROME.replace("147", "131")), ("ch_ua_major_mismatch",)),
        (changed(sec_ch_ua_platform='"macOS"'), ("ch_platform_mismatch",)),
        (changed(sec_ch_ua_mobile="?1"), ("ch_mobile_mismatch",)),
        (changed(user_agent=FIREFOX), ("ch_ua_on_non_chromium",)),
        (changed(user_agent=SAFARI), ("ch_ua_on_non_chromium",)),
        (changed(sec_ch_ua=None), ("no_ch_ua",)),
        (changed(sec_fetch_mode=None), ("no_fetch_metadata",)),
    ],
)
def test_each_rule_by_itself(headers, codes):
    assert contradictions(ask_of(headers)) == codes
    assert strikes(codes) == (0 if codes == ("no_fetch_metadata",) else 1)


def test_the_order_of_headers_is_told_only_without_a_proxy():
    first = {"accept": ACCEPT, **{name: value for name, value in OPENED.items() if name != "accept"}}
    assert contradictions(ask_of(first)) == ()
    assert contradictions(ask_of(first), ordered=True) == ("header_order",)
    assert strikes(("header_order",)) == 0


@pytest.mark.parametrize(
    "headers",
    [
        changed(sec_fetch_dest="image", accept="image/avif,*/*", upgrade_insecure_requests=None),
        changed(sec_fetch_dest="empty", accept="*/*", accept_language=None, upgrade_insecure_requests=None),
        changed(sec_purpose="prefetch", accept="*/*", accept_language=None),
        changed(user_agent="Lynx/2.9.0dev.12 libwww-FM/2.14", accept="*/*", accept_language=None),
        changed(user_agent=CHROME + " OPR/131.0.0.0", accept=None, accept_language=None, sec_ch_ua=None),
        changed(user_agent="", accept=None),
        {"user-agent": CHROME, "accept": "*/*", "referer": "https://journal.example/"},
    ],
)
def test_what_is_no_navigation_of_a_known_browser_has_no_strike(headers):
    assert strikes(contradictions(ask_of(headers))) == 0


def test_other_methods_are_not_looked_at():
    assert contradictions(ask_of({"user-agent": CHROME}, method="POST")) == ()


def test_a_file_saved_by_a_helper_that_borrows_the_name_is_not_judged():
    bare = {"user-agent": CHROME, "accept": "*/*"}
    assert strikes(contradictions(ask_of(bare, path="/issue.pdf"))) == 0
    assert strikes(contradictions(ask_of(bare, path="/issue.html"))) == 3
    # The same fields, remembered for one path, say nothing about another.
    fields = HeaderFields(bare.items())
    page, file = ask_of(fields), ask_of(fields, path="/issue.pdf")
    assert page.headers is file.headers
    assert strikes(contradictions(page)) == 3
    assert strikes(contradictions(file)) == 0


def test_hints_are_missed_only_where_browsers_send_them():
    plain = changed(sec_ch_ua=None, sec_ch_ua_mobile=None, sec_ch_ua_platform=None, sec_fetch_mode=None,
                    sec_fetch_dest=None, sec_fetch_site=None)  # fmt: skip
    assert contradictions(ask_of(plain, "http://journal.example")) == ()
    for here in ("http://127.0.0.1:8402", "http://localhost:8402", "http://[::1]:8402"):
        assert contradictions(ask_of(plain, here)) == ("no_ch_ua", "no_fetch_metadata")


def test_a_user_agent_changed_by_hand_is_one_strike():
    """A person with an extension that says another browser is never contradicted twice."""
    phone = CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K").replace("147", "120")
    by_extension = contradictions(ask_of(changed(user_agent=phone.replace(" Safari", " Mobile Safari"))))
    assert set(by_extension) == {"ch_ua_major_mismatch", "ch_platform_mismatch", "ch_mobile_mismatch"}
    assert strikes(by_extension) == 1
    # An old Chrome that says it is a newer one, because sites refuse it.
    old = changed(sec_ch_ua='"Not_A Brand";v="99", "Google Chrome";v="109", "Chromium";v="109"',
                  accept=ACCEPT.replace("q=0.7", "q=0.9"))  # fmt: skip
    assert contradictions(ask_of(old)) == ("ch_ua_major_mismatch",)
    # Firefox and Safari that say Chrome: no hints, no Upgrade-Insecure-Requests.
    other = changed(sec_ch_ua=None, sec_ch_ua_mobile=None, sec_ch_ua_platform=None,
                    upgrade_insecure_requests=None, accept="text/html,*/*;q=0.8")  # fmt: skip
    assert strikes(contradictions(ask_of(other))) == 1


@pytest.mark.parametrize(
    ("major", "brand", "version"),
    [
        (110, "Not A(Brand", "24"),
        (120, "Not_A Brand", "8"),
        (124, "Not-A.Brand", "99"),
        (150, "Not;A=Brand", "8"),
    ],
)
def test_the_made_up_brand_is_that_of_the_release(major, brand, version):
    assert grease(major) == (brand, version)


@pytest.mark.parametrize(
    "value", ["\x00" * 9000, "a" * 100_000, "\udcff" * 3000, '"' * 5000, '"Chromium";v="' * 900]
)
def test_hostile_values_raise_nothing(value):
    for name in OPENED:
        ask = ask_of({**OPENED, name: value})
        assert set(contradictions(ask, ordered=True)) <= STRONG | {"no_fetch_metadata", "header_order"}


def rows(folder: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (folder / "headers" / name).read_text("utf-8").splitlines()]


def test_no_browser_like_set_is_contradicted_twice_issue_4(shared_data: Path):
    asks = [ask_of(row["headers"]) for row in rows(shared_data, "human_like.jsonl")]
    started = time.perf_counter()
    found = [contradictions(ask) for ask in asks]
    uncached = (time.perf_counter() - started) / len(asks) * 1e6
    print(f"browser-like sets by strikes: {dict(Counter(map(strikes, found)))}; {uncached:.1f} us uncached")
    assert len(asks) > 1000
    assert [codes for codes in found if strikes(codes) >= 2] == []
    assert sum(strikes(codes) == 1 for codes in found) <= len(asks) // 100


def test_grok_and_pasted_user_agents_are_contradicted_twice_issue_4(shared_data: Path):
    grok = [row for row in rows(shared_data, "ai_captures.jsonl") if row["label"] == "Grok anonymous"]
    caught = [row for row in grok if strikes(contradictions(ask_of(row["headers"]))) >= 2]
    print(f"anonymous Grok contradicted twice: {len(caught)} of {len(grok)}")
    assert len(grok) == 16
    assert len(caught) >= 10
    people = [row for row in rows(shared_data, "ai_captures.jsonl") if row["label"].startswith("HUMAN")]
    assert people
    assert not any(set(contradictions(ask_of(row["headers"]))) & STRONG for row in people)
    raw = {row["req"].split()[1]: row for row in rows(shared_data, "clients_raw.jsonl")}
    for name in ("/requests-with-chrome-ua", "/httpx-with-chrome-ua", "/got-chrome-ua"):
        assert strikes(contradictions(ask_of(raw[name]["headers"], "http://127.0.0.1:8765"))) >= 2, name


def test_real_browsers_without_a_head_are_not_contradicted(shared_data: Path):
    """Only their name gives them away; that is `product_token`'s."""
    for row in rows(shared_data, "clients_raw.jsonl"):
        if "headless" in row["req"] and "override" not in row["req"]:
            assert contradictions(ask_of(row["headers"], "http://127.0.0.1:8765")) == ()
