"""Nobody is refused for a neighbor: one network, an automaton that misbehaves, and everybody else.

A carrier's NAT, a campus, a library, a VPN and Tor put many people behind one
network, some of them behind one address. What an automaton did there is known
by its network for an hour, and changes nothing for whoever shows no evidence
of automation, nor for the services that must pass.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from gateway.app import Licet
from gateway.config import read_config
from gateway.problems import ConfigurationError

TRAP = "/k7w2m9qd4tzx"
ROGUE = "Mozilla/5.0 (compatible; HarvestBot/2.0; +https://harvest.example/bot)"
#: Network by what shares it: the address of the automaton and one of a neighbor; Tor and NAT share even that.
NETWORKS = {
    "carrier NAT": ("100.72.3.66", "100.72.3.66"),
    "campus": ("192.0.2.66", "192.0.2.7"),
    "library": ("198.51.100.66", "198.51.100.200"),
    "VPN": ("203.0.113.66", "203.0.113.1"),
    "Tor exit": ("2001:db8:70:1::1", "2001:db8:70:1::1"),
}
CHROME = {
    "sec-ch-ua": '"Google Chrome";v="147", "Not.A/Brand";v="8", "Chromium";v="147"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Accept-Language": "de",
}
FIREFOX = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "fr",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
#: People, among them some whose headers are odd for a good reason.
PEOPLE = {
    "Chrome": CHROME,
    "Firefox": FIREFOX,
    "Chrome that an extension calls Firefox": {**CHROME, "User-Agent": FIREFOX["User-Agent"]},
    "Firefox that an extension calls Chrome": {**FIREFOX, "User-Agent": CHROME["User-Agent"]},
    "a Safari without hints": {
        "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        "Accept": "text/html,*/*;q=0.8",
        "Accept-Language": "en",
    },
}
#: Services that must pass.
SERVICES = {
    "feed reader": "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers; like FeedFetcher-Google)",
    "preview": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "monitor": "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "text browser": "Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8",
}
POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1", "localhost"]
origin = "{origin}"
mode = "{mode}"
honeypot = "/k7w2m9qd4tzx"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
[[rules]]
when = {{ class = ["ai", "automation"] }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""


#: A pace that the automaton of these tests exceeds without a thousand requests.
SLOW = "[pacing]\nnetwork_per_second = 0.01\nnetwork_burst = 5\n"


async def test_nobody_is_refused_for_a_neighbor(world) -> None:
    one = await world(policy=POLICY, settings=SLOW)
    conduct, now = one.licet.front.identification.conduct, one.licet.clock.now_us() // 1_000_000
    robots = await one.get("/robots.txt")
    assert f"Disallow: {TRAP}" in await robots.text()
    for rogue, _ in NETWORKS.values():
        there = {"X-Forwarded-For": rogue}
        assert (
            await one.get(TRAP, ROGUE, headers=there)
        ).status == 200  # the site's own answer: here it has one
        for _ in range(3):
            await one.get("/drafts/secret", ROGUE, headers=there)
        for _ in range(10):
            assert (await one.get("/essays/tides", ROGUE, headers=there)).status == 402
        assert conduct.of(rogue, now) == (
            "honeypot_hit",
            "rate_exceeded",
            "robots_disobeyed",
            "terms_refused",
        )
    held = len(conduct)
    assert held == len(NETWORKS)
    records = len(await one.records())
    for name, (_, address) in NETWORKS.items():
        for who, headers in PEOPLE.items():
            # A person's request for the honeypot itself is the site's to answer, and leaves nothing.
            for path in ("/essays/tides", "/drafts/secret", TRAP):
                answer = await one.get(path, headers={**headers, "X-Forwarded-For": address})
                assert (answer.status, who, name) == (200, who, name)
                assert answer.headers["X-Origin"] == "yes"
    assert len(await one.records()) == records, "a person left a record"
    for name, (_, address) in NETWORKS.items():
        for who, agent in SERVICES.items():
            answer = await one.get("/essays/tides", agent, headers={"X-Forwarded-For": address})
            assert (answer.status, who, name) == (200, who, name)
    assert len(conduct) == held


async def test_people_alone_leave_no_state(world) -> None:
    one = await world(policy=POLICY, settings=SLOW)
    await one.get("/robots.txt")
    for headers in PEOPLE.values():
        for path in [TRAP, "/drafts/secret", *["/essays/tides"] * 8]:
            assert (await one.get(path, headers={**headers, "X-Forwarded-For": "203.0.113.7"})).status == 200
    assert len(one.licet.front.identification.conduct) == 0


@pytest.mark.parametrize(
    "lines",
    [
        ['sec-ch-ua: "Chromium";v="' + "9" * 7000],
        ["accept: " + "text/html," * 700],
        ["sec-ch-ua-platform: \xff\xfe\x80", "accept-language: \xe4\xf6\xfc", "sec-fetch-mode: \xa0"],
        ["user-agent: Mozilla/5.0 (\xc3\xa9" + "(" * 3000],
        ["x-forwarded-for: " + "8.8.8.8," * 800],
        ["x-forwarded-for: 66.249.66.1", "forwarded: for=8.8.8.8"],
        ["x-country: DE", "x-country: US"],
        [f"x-h-{at}: {'v' * 60}" for at in range(90)],
        ["sec-ch-ua: " + '"' * 4000, "sec-ch-ua-mobile: ?7", "upgrade-insecure-requests: \x80"],
    ],
)
async def test_hostile_headers_break_nothing(world, lines) -> None:
    one = await world(policy=POLICY)
    place = urlsplit(one.front)
    named = {line.partition(":")[0] for line in lines}
    kept = [f"{name}: {value}" for name, value in CHROME.items() if name.lower() not in named]
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = ["GET /essays/tides HTTP/1.1", f"Host: {place.netloc}", "Connection: close", *kept, *lines, "", ""]
    writer.write("\r\n".join(head).encode("latin-1"))
    answer = await reader.read()
    writer.close()
    # A person's browser is served; what is too large for any request is refused as such, and nothing is a fault.
    assert answer.split(b" ", 2)[1] in {b"200", b"431", b"400"}, answer[:200]
    assert one.licet.listener.faults == 0
    assert len(one.licet.front.identification.conduct) == 0


async def test_a_token_is_good_where_the_file_says_it_is(world, tmp_path, written) -> None:
    path = written(
        tmp_path / "countries.mmdb",
        "Test-Country",
        [("192.0.2.0/24", {"country_code": "DE"}), ("8.0.0.0/8", {"country": {"iso_code": "US"}})],
    )
    one = await world(
        trust=f'country_database = "{path}"',
        policy=POLICY.replace(
            'price = {{ per_fetch = "0.005" }}', 'price = {{ per_fetch = "0.005" }}\nterritory = "EU"'
        ),
    )
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    answers = {}
    for address in ("192.0.2.9", "8.8.8.8", "203.0.113.9"):
        got = await one.get(
            "/essays/tides", "x/1", token=token, country="XX", headers={"X-Forwarded-For": address}
        )
        answers[address] = (got.status, await got.text())
    assert answers["192.0.2.9"][0] == 200
    assert answers["8.8.8.8"][0] == answers["203.0.113.9"][0] == 403
    assert "probably from US" in answers["8.8.8.8"][1]
    assert "an unknown country" in answers["203.0.113.9"][1]
    last = (await one.records())[-3:]
    assert [(each["country"], each["country_basis"]) for each in last] == [
        ("DE", "mmdb:Test-Country@2026-09-21"), ("US", "mmdb:Test-Country@2026-09-21"), ("", ""),
    ]  # fmt: skip


async def test_a_site_that_only_observes_places_refuses_nobody_for_one(world) -> None:
    policy = POLICY.replace("honeypot =", 'territory = "observe"\nhoneypot =').replace(
        'price = {{ per_fetch = "0.005" }}', 'price = {{ per_fetch = "0.005" }}\nterritory = "EU"'
    )
    one = await world(policy=policy)
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    assert (await one.get("/essays/tides", "x/1", token=token, country="US")).status == 200
    (record,) = (await one.records())[-1:]
    assert (record["outcome"], record["would"], record["country"]) == (
        "licensed",
        "territory-not-covered",
        "US",
    )
    assert record["charged_micros"] == 5000


async def test_a_cut_file_is_told_at_the_start(origin, tmp_path, written) -> None:
    path = written(tmp_path / "countries.mmdb", "Test", [("8.0.0.0/8", {"country_code": "US"})])
    path.write_bytes(path.read_bytes()[:-60])
    data = tmp_path / "data"
    (data / "sites").mkdir(parents=True)
    data.chmod(0o700)
    (data / "licet.toml").write_text(
        f'[trust]\ncountry_database = "{path}"\n'
        "[listen]\nport = 0\n[dashboard]\nport = 0\n[store]\nreserve_mb = 1\n"
    )
    (data / "sites" / "journal.toml").write_text(POLICY.format(origin=origin.url, mode="enforce"))
    with pytest.raises(ConfigurationError, match=r"trust\.country_database: a whole MMDB file"):
        await Licet(read_config(data)).start()
