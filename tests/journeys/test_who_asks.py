"""Every proof on real sockets: what a request meets, and what its record says of who it was."""

from __future__ import annotations

import time
from typing import Any

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
YANDEX = "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
DEFAULT = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
"""


async def _last(one: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The last record, and the evidence in its detail."""
    record = (await one.records())[-1]
    await one.licet.keeper.catch_up()
    detail = await one.licet.access_log.detail(record["id"])
    return record, detail.evidence


def _who(record: dict[str, Any]) -> tuple[str, str, str, str]:
    return record["visitor_class"], record["crawler"], record["identity"], record["identity_method"]


async def test_a_signature_names_an_agent_behind_a_browser(world, signing, tmp_path) -> None:
    agent, signer = "https://agent.bot.goog", signing.Signer()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "agent.json").write_bytes(signing.jwks(signer))
    one = await world(policy=DEFAULT, settings=f'[signatures]\npinned = ["{agent}=agent.json"]\n')
    now = int(time.time())
    draft = signing.Draft(
        signer, agent=agent, origin=one.front, target="/essays/tides", headers=[("user-agent", FIREFOX)],
        covered=['"@authority"', '"@path"'], parameters={"created": now - 1, "expires": now + 60},
    )  # fmt: skip
    lines = {name: value for name, value in draft.lines() if name != "host"}
    answer = await one.get("/essays/tides", FIREFOX, headers=lines)
    record, evidence = await _last(one)
    assert _who(record) == ("ai", "Google-Agent", "verified", "signature")
    assert answer.status == 402, "what a person asked for has a price of its own here"
    assert evidence[:2] == ("sig_form:dictionary", "sig_valid")
    assert evidence[-1] == "confidence:0.99"
    altered = lines | {"signature": lines["signature"].replace("sig1=:", "sig1=:AAAA", 1)}
    await one.get("/essays/tides", FIREFOX, headers=altered)
    assert _who((await _last(one))[0])[:3] == ("ai", "Google-Agent", "spoofed")


async def test_a_list_contradicts_a_claim_and_the_page_says_so_kindly(world) -> None:
    one = await world(policy=DEFAULT)
    answer = await one.get("/essays/tides", GPTBOT, headers={"X-Forwarded-For": "203.0.113.9"})
    record, evidence = await _last(one)
    assert _who(record) == ("ai", "GPTBot", "spoofed", "network")
    assert answer.status in {402, 403}
    assert evidence[:2] == ("ua_claim:GPTBot", "ip_not_in:openai-gptbot")
    row = await one.licet.access_log.row(record["id"])
    assert row.told.startswith("claimed to be GPTBot; not proven (address not in the published list of 20")


async def test_dns_is_asked_once_and_an_answer_that_is_late_proves_nothing(world, dns_server) -> None:
    one = await world(policy=DEFAULT, settings=f'[dns]\nservers = ["{dns_server.address}"]\n')
    good, rogue, silent = "203.0.113.10", "203.0.113.11", "203.0.113.12"
    dns_server.names(good, "spider-1.yandex.com")
    dns_server.leads("spider-1.yandex.com", good)
    dns_server.names(rogue, "host.example")
    dns_server.moods[_pointer(silent), "PTR"] = "silent"
    wanted = {
        good: (200, "verified", "dns", "rdns_ok"),
        rogue: (403, "spoofed", "dns", "rdns_mismatch"),
        silent: (200, "unverifiable", "none", "rdns_unknown"),
    }
    for address, (status, identity, method, reason) in wanted.items():
        for _ in range(2):
            answer = await one.get("/essays/tides", YANDEX, headers={"X-Forwarded-For": address})
            record, evidence = await _last(one)
            assert _who(record) == ("search-engine", "YandexBot", identity, method)
            assert (answer.status, reason in evidence) == (status, True), address
    asked = [name for name, _, _ in dns_server.asked]
    assert asked.count(_pointer(good)) == asked.count(_pointer(rogue)) == 1


async def test_nobody_asks_dns_about_a_person(world, dns_server) -> None:
    one = await world(policy=DEFAULT, settings=f'[dns]\nservers = ["{dns_server.address}"]\n')
    assert (await one.get("/essays/tides", headers={"X-Forwarded-For": "203.0.113.10"})).status == 200
    assert (dns_server.asked, await one.records()) == ([], [])


async def test_a_browser_in_chatgpts_network_is_its_operators(world) -> None:
    one = await world(policy=DEFAULT)
    answer = await one.get("/essays/tides", headers={"X-Forwarded-For": "9.129.45.186"})
    record, evidence = await _last(one)
    assert _who(record) == ("ai", "OpenAI", "none", "network")
    assert (answer.status, record["uses"]) == (402, ["ai-input"])
    assert evidence[0] == "ip_operator_undeclared:openai-chatgpt-user"


async def test_a_browser_that_contradicts_itself_is_served_and_recorded(world) -> None:
    one = await world(policy=DEFAULT)
    answer = await one.get("/essays/tides", CHROME, headers={"Accept": "*/*"})
    record, evidence = await _last(one)
    assert (answer.status, answer.headers["X-Origin"]) == (200, "yes")
    assert _who(record) == ("automation", "", "none", "none")
    assert evidence[0] == "header_contradictions"


def _pointer(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa."
