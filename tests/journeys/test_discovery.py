"""Crawlers that know one URL and the RFCs, and nothing of this gateway: nothing of it is imported here.

One registers itself (RFC 7591); one has nothing but the key it signs with (RFC
9421, Web Bot Auth). Both follow what the 402 names to an agreement, a token and
the page.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ed25519

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
name = "The Journal"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ upfront = "500" }}
[offers.answers]
uses = ["ai-input", "ai-index", "ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.004" }}
[offers.snippets]
uses = ["ai-input"]
works = ["essays"]
price = {{ per_fetch = "0" }}
attribution = {{ text = "The Journal" }}
[contract]
law = "Ireland"
[[rules]]
when = {{ purpose = "search" }}
then = "serve"
[[rules]]
then = {{ license = ["training", "answers", "snippets"] }}
"""
AGENT = "FirstSeenBot/1.0 (+https://first-seen.example)"
DIRECTORY = "/.well-known/http-message-signatures-directory"


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def b64u(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Crawler:
    """Sends JSON and forms, and keeps the last ETag. *login* is put on every request to the desk."""

    def __init__(self, http: aiohttp.ClientSession, login: dict[str, str]) -> None:
        self.http, self.login, self.tag = http, login, ""

    def headers(self, method: str, url: str, body: bytes | None, more: dict[str, str]) -> dict[str, str]:
        """What goes with one request."""
        return {"User-Agent": AGENT, **self.login, **more}

    async def send(
        self, method: str, url: str, body: bytes | None = None, **more: str
    ) -> tuple[int, Any, dict[str, str]]:
        """One request: status, the body as JSON where it is that, and the headers."""
        sent = self.headers(method, url, body, {name.replace("_", "-"): text for name, text in more.items()})
        async with self.http.request(method, url, data=body, headers=sent, allow_redirects=False) as answer:
            octets = await answer.read()
            told = {name.lower(): value for name, value in answer.headers.items()}
            if method == "POST" and answer.status < 300 and "etag" in told:
                self.tag = told["etag"]
            told["www-authenticate"] = ", ".join(answer.headers.getall("WWW-Authenticate", []))
            return (
                answer.status,
                json.loads(octets) if "json" in told.get("content-type", "") else octets,
                told,
            )

    async def say(self, url: str, said: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        """POST JSON, on the version that was read last (RFC 9110, section 13.1.1)."""
        known = {"If_Match": self.tag} if self.tag else {}
        return await self.send(
            "POST", url, json.dumps(said).encode(), Content_Type="application/json", **known
        )

    async def buy_form(self, url: str, **form: str) -> tuple[int, Any, dict[str, str]]:
        """POST a form (RFC 6749, section 4.4.2)."""
        body = aiohttp.FormData(form)()
        assert isinstance(body, aiohttp.BytesPayload)
        octets = body.decode().encode()
        return await self.send("POST", url, octets, Content_Type="application/x-www-form-urlencoded")


class Signer(Crawler):
    """A crawler whose every request is signed by the key of *agent*."""

    def __init__(self, http: aiohttp.ClientSession, agent: str) -> None:
        super().__init__(http, {})
        self.agent, self.key = agent, ed25519.Ed25519PrivateKey.generate()
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64u(self.key.public_key().public_bytes_raw())}
        told = json.dumps({name: self.jwk[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
        self.keyid = b64u(hashlib.sha256(told.encode()).digest())
        self.leaves_out: frozenset[str] = frozenset()

    def headers(self, method: str, url: str, body: bytes | None, more: dict[str, str]) -> dict[str, str]:
        """The same, signed (RFC 9421, section 3.1)."""
        sent = {"User-Agent": AGENT, **more, "Signature-Agent": f'sig1="{self.agent}{DIRECTORY}"'}
        lines = [
            ('"@authority"', urlsplit(url).netloc),
            ('"@method"', method),
            ('"@target-uri"', url),
            ('"signature-agent";key="sig1"', f'"{self.agent}{DIRECTORY}"'),
        ]
        if body is not None:
            sent["Content-Digest"] = f"sha-256=:{b64(hashlib.sha256(body).digest())}:"
            lines.append(('"content-digest"', sent["Content-Digest"]))
        if "Authorization" in more:
            lines.append(('"authorization"', more["Authorization"]))
        lines = [line for line in lines if line[0] not in self.leaves_out]
        now = int(time.time())
        params = (
            f"({' '.join(name for name, _ in lines)});created={now};expires={now + 60}"
            f';keyid="{self.keyid}";nonce="{secrets.token_urlsafe(24)}";tag="web-bot-auth"'
        )
        base = "\n".join([*(f"{name}: {value}" for name, value in lines), f'"@signature-params": {params}'])
        sent["Signature-Input"] = f"sig1={params}"
        sent["Signature"] = f"sig1=:{b64(self.key.sign(base.encode()))}:"
        return sent


async def discovered(crawler: Crawler, url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the refusal of *url* says, and the authorization server's metadata, by RFC 9728 and RFC 8414."""
    status, refused, told = await crawler.send("GET", url)
    assert status == 402
    named = re.search(r'resource_metadata="([^"]+)"', told["www-authenticate"])
    assert named
    assert 'rel="license"' in told["link"]
    _, resource, _ = await crawler.send("GET", named[1])
    (issuer,) = resource["authorization_servers"]
    parts = urlsplit(issuer)
    _, server, _ = await crawler.send(
        "GET", f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
    )
    assert server["issuer"] == issuer
    return refused, server


async def test_every_door_leads_to_the_same_negotiations(world: Any) -> None:
    gate = await world(policy=POLICY)
    async with aiohttp.ClientSession() as http:
        crawler = Crawler(http, {})
        refused, server = await discovered(crawler, f"{gate.front}/essays/tides")
        at = server["negotiation_endpoint"]
        assert refused["buy"]["negotiate"] == at, "the body"
        _, _, told = await crawler.send("GET", f"{gate.front}/essays/tides")
        linked = re.search(r'<([^>]+)>; rel="license"', told["link"])
        assert linked
        _, rsl, _ = await crawler.send("GET", linked[1])
        (issuer,) = set(re.findall(r'server="([^"]+)"', rsl.decode()))
        parts = urlsplit(issuer)
        _, found, _ = await crawler.send(
            "GET", f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
        )
        assert found["negotiation_endpoint"] == at, "Link, and the RSL document that it names"
        _, page, _ = await crawler.send("GET", refused["buy"]["license_page"], Accept="text/html")
        assert f'href="{urlsplit(at).path}"' in page.decode(), "the license page"
        _, index, _ = await crawler.send("GET", server["service_documentation"], Accept="application/json")
        assert index["negotiation_endpoint"] == at


async def agreed(crawler: Crawler, server: dict[str, Any], offer: str) -> str:
    """Negotiate until the deal is made, as the answers say; the id of the license."""
    crawler.tag = ""
    status, told, headers = await crawler.say(server["negotiation_endpoint"], {"offer": offer})
    assert (status, headers["location"]) == (201, told["links"]["self"]), told
    assert told["missing"], "nothing was stated yet"
    facts = {each["fact"]: "answers to readers of our service" for each in told["missing"]}
    _, told, _ = await crawler.say(told["links"]["proposals"], {"facts": facts})
    assert told["state"] == "OFFERED"
    accept = {name: told["accept"][name] for name in ("terms_hash", "assent")}
    status, told, _ = await crawler.say(told["links"]["acceptance"], accept)
    assert (status, told["state"]) == (200, "AGREED"), told
    _, contract, _ = await crawler.send("GET", told["contract"], Accept="application/json")
    assert contract["terms_hash"] == accept["terms_hash"]
    _, told, _ = await crawler.say(told["links"]["verification"], {"terms_hash": contract["terms_hash"]})
    assert told["state"] == "FINALIZED"
    return str(told["license"])


async def token_of(crawler: Crawler, server: dict[str, Any], license_id: str) -> tuple[int, Any]:
    """A token by client credentials (RFC 6749, section 4.4) with authorization details (RFC 9396)."""
    details = json.dumps([{"type": "content_license", "license": license_id}])
    status, told, _ = await crawler.buy_form(
        server["token_endpoint"], grant_type="client_credentials", authorization_details=details
    )
    return status, told


async def test_who_knows_a_url_and_the_rfcs_registers_agrees_and_fetches(world: Any) -> None:
    gate = await world(policy=POLICY)
    url = f"{gate.front}/essays/tides"
    async with aiohttp.ClientSession() as http:
        refused, server = await discovered(Crawler(http, {}), url)
        _, made, _ = await Crawler(http, {}).say(
            server["registration_endpoint"], {"client_name": "First Seen Labs"}
        )
        pair = b64(f"{made['client_id']}:{made['client_secret']}".encode())
        crawler = Crawler(http, {"Authorization": f"Basic {pair}"})
        free = [each for each in refused["offers"] if each["tier"] == 3 and not each["price"]["micros"]]
        license_id = await agreed(crawler, server, free[0]["id"])
        status, bought = await token_of(crawler, server, license_id)
        assert status == 200, bought
        shown = f"{bought['token_type']} {bought['access_token']}"
        status, page, told = await Crawler(http, {"Authorization": shown}).send("GET", url)
    assert (status, told["licet-price"]) == (200, "USD 0")
    assert page.startswith(b"<h1>/essays/tides</h1>")
    record = (await gate.records())[-1]
    assert (record["id"], record["license"]) == (told["licet-record"], license_id)


async def test_who_has_nothing_but_a_key_agrees_on_a_small_deal_and_fetches(
    world: Any, key_directory: Any
) -> None:
    gate = await world(policy=POLICY, settings=key_directory.settings)
    url = f"{gate.front}/essays/tides"
    async with aiohttp.ClientSession() as http:
        crawler = Signer(http, key_directory.agent)
        key_directory.keys = [{**crawler.jwk, "kid": crawler.keyid}]
        refused, server = await discovered(crawler, url)
        assert "web-bot-auth" in server["token_endpoint_auth_methods_supported"]
        status, barred, _ = await crawler.say(server["negotiation_endpoint"], {"offer": "training"})
        assert (status, barred["code"]) == (403, "client-quarantined"), "held to small deals"
        status, barred = await token_of(crawler, server, "li_none")
        assert status == 400, barred
        details = json.dumps([{"type": "content_license", "offer": "training"}])
        status, barred, _ = await crawler.buy_form(
            server["token_endpoint"], grant_type="client_credentials", authorization_details=details
        )
        assert (status, barred["error"]) == (403, "unauthorized_client")
        free = [each for each in refused["offers"] if each["tier"] == 3 and not each["price"]["micros"]]
        license_id = await agreed(crawler, server, free[0]["id"])
        status, bought = await token_of(crawler, server, license_id)
        assert status == 200, bought
        status, page, told = await crawler.send(
            "GET", url, Authorization=f"{bought['token_type']} {bought['access_token']}"
        )
        assert status == 200, page
        # What costs by the fetch is agreed on as well, and has to be funded first.
        status, account, _ = await crawler.send("GET", f"{server['issuer']}/account")
        assert (status, account["standing"]) == (200, "quarantined")
    record = (await gate.records())[-1]
    assert (record["id"], record["license"]) == (told["licet-record"], license_id)
    assert key_directory.asked <= 2, "once for the front and once for the desk"
    (licensee,) = await gate.licet.register.licensees()
    assert licensee.name == key_directory.agent.removeprefix("https://")
    assert await gate.licet.accounts.agents_of(licensee.id) == (key_directory.agent,)


async def test_a_signature_proves_nothing_but_the_request_it_is_of(world: Any, key_directory: Any) -> None:
    gate = await world(policy=POLICY, settings=key_directory.settings)
    at = f"{gate.front}/.licet/negotiations"
    body = json.dumps({"offer": "snippets"}).encode()
    kind = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession() as http:
        crawler, stranger = Signer(http, key_directory.agent), Signer(http, key_directory.agent)
        key_directory.keys = [{**crawler.jwk, "kid": crawler.keyid}]

        async def sent(headers: dict[str, str], octets: bytes = body, url: str = at) -> tuple[int, str]:
            async with http.post(url, data=octets, headers=headers) as answer:
                told = json.loads(await answer.read())
                return answer.status, told.get("code") or told.get("error") or told["state"]

        good = crawler.headers("POST", at, body, kind)
        assert await sent(good) == (201, "REQUESTED")
        assert await sent(good) == (429, "signature-replayed")
        another = crawler.headers("POST", at, body, kind)
        assert await sent(another, json.dumps({"offer": "answers"}).encode()) == (401, "client-unknown")
        elsewhere = crawler.headers("POST", at, body, kind)
        assert await sent(elsewhere, url=f"{at}/ne_0/termination") == (401, "client-unknown")
        assert await sent(stranger.headers("POST", at, body, kind)) == (401, "client-unknown")
        for component in ('"@method"', '"@target-uri"', '"content-digest"'):
            crawler.leaves_out = frozenset({component})
            assert await sent(crawler.headers("POST", at, body, kind)) == (401, "client-unknown"), component
    assert len(await gate.licet.register.licensees()) == 1


async def test_an_agent_that_the_operator_tied_acts_for_its_licensee(world: Any, key_directory: Any) -> None:
    gate = await world(policy=POLICY, settings=key_directory.settings)
    licensee, _, _ = await gate.licensee("1 USD")
    await gate.licet.accounts.tie(key_directory.agent, licensee)
    async with aiohttp.ClientSession() as http:
        crawler = Signer(http, key_directory.agent)
        key_directory.keys = [{**crawler.jwk, "kid": crawler.keyid}]
        url = f"{gate.front}/essays/tides"
        _, server = await discovered(crawler, url)
        status, bought, _ = await crawler.buy_form(
            server["token_endpoint"],
            grant_type="client_credentials",
            resource=url,
            scope="ai-index ai-input ai-train",
        )
        assert status == 200, bought
        assert bought["authorization_details"][0]["licensee"] == licensee
        status, _, told = await crawler.send(
            "GET", url, Authorization=f"{bought['token_type']} {bought['access_token']}"
        )
    assert (status, told["licet-price"]) == (200, "USD 0.004")
    assert [each.id for each in await gate.licet.register.licensees()] == [licensee]


async def test_nobody_new_comes_in_by_a_key_where_registration_is_for_the_invited(
    world: Any, key_directory: Any
) -> None:
    closed = f'{key_directory.settings}[clients]\ninitial_access_token = "only-for-those-we-asked"\n'
    gate = await world(policy=POLICY, settings=closed)
    async with aiohttp.ClientSession() as http:
        crawler = Signer(http, key_directory.agent)
        key_directory.keys = [{**crawler.jwk, "kid": crawler.keyid}]
        status, told, _ = await crawler.say(f"{gate.front}/.licet/negotiations", {"offer": "snippets"})
    assert (status, told["code"]) == (401, "registration-denied")
    assert await gate.licet.register.licensees() == ()
