"""Directories that a stranger names: what they cost, what they reach, and what they prove. Rows G13 and G14."""

from __future__ import annotations

import asyncio
import ssl
import tracemalloc

import pytest
from aiohttp import web

from gateway.clock import SystemClock
from gateway.egress import LIMIT, SECONDS, Egress
from gateway.evidence import NOTHING, Needs
from gateway.visitors.agent_keys import UNKNOWN_OF_ALL, AgentKeys
from gateway.visitors.signature_agent import WELL_KNOWN
from gateway.visitors.signatures import Signatures


class Directory:
    """Somebody's https server on the loopback. *act* answers, *seen* is what was asked for."""

    def __init__(self, certificate) -> None:
        self.seen: list[str] = []
        self.left = asyncio.Event()
        self.act = None
        self._certificate = certificate

    async def start(self) -> None:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            self.seen.append(request.path_qs)
            try:
                return await self.act(request)
            finally:
                self.left.set()

        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*self._certificate)
        self._runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls).start()
        self.place = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.agent = f"https://{self.place}"

    async def stop(self) -> None:
        await self._runner.cleanup()


@pytest.fixture
async def directory(certify, started):
    return await started(Directory(certify("127.0.0.1")))


@pytest.fixture
def judged(directory, certify, signing, tmp_path):
    """`judged(draft)`: the finding, with whatever it needs fetched from the server; one judge for the test."""
    egress = Egress(exempt=[directory.place], authorities=tmp_path / "127.0.0.1.crt")
    keys = AgentKeys(egress.get, SystemClock(), known=lambda _: False)
    judge = Signatures(keys, known=lambda _: False)

    async def found(draft):
        ask = draft.ask()
        finding = judge.finding(ask, NOTHING)
        if isinstance(finding, Needs):
            (need,) = finding.wants
            finding = judge.finding(ask, NOTHING.with_facts([(need, await keys.fetch(need))]))
        return finding

    return found


async def test_ten_megabytes_are_not_read(directory, judged, signing) -> None:
    sent = 0

    async def large(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(160):
            await response.write(b" " * LIMIT)
            sent += LIMIT
        return response

    directory.act = large
    tracemalloc.start()
    finding = await judged(signing.Draft(signing.Signer(), agent=directory.agent))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert finding.reasons[1] == "sig_unverified:directory_too_large"
    assert peak < 10 * (1 << 20), "what is too large is not held either"
    await directory.left.wait()
    assert sent < 10 * (1 << 20), "and its sender is left before the end"


async def test_a_length_of_ten_megabytes_is_enough(directory, judged, signing) -> None:
    async def announced(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(10 << 20)})
        await response.prepare(request)
        return response

    directory.act = announced
    finding = await judged(signing.Draft(signing.Signer(), agent=directory.agent))
    assert finding.reasons[1] == "sig_unverified:directory_too_large"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["https://169.254.169.254/latest/", "https://[::1]/", "/elsewhere"])
async def test_a_redirect_leads_nowhere(directory, judged, signing, status, place) -> None:
    async def moved(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": place})

    directory.act = moved
    finding = await judged(signing.Draft(signing.Signer(), agent=directory.agent))
    assert finding.reasons[1] == "sig_unverified:directory_redirect"
    assert directory.seen == [WELL_KNOWN]


async def test_a_directory_that_drips_is_left(directory, judged, signing) -> None:
    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    directory.act = slow
    async with asyncio.timeout(SECONDS + 10):
        finding = await judged(signing.Draft(signing.Signer(), agent=directory.agent))
    assert finding.reasons[1] == "sig_unverified:directory_timeout"


@pytest.mark.parametrize(
    "agent",
    [
        "https://127.0.0.1", "https://127.0.0.1:1", "https://[::1]", "https://10.0.0.1", "https://169.254.169.254",
        "https://localhost", "https://metadata", "https://2130706433", "https://0x7f.1", "https://bot.example:22",
    ],
)  # fmt: skip
async def test_no_place_in_the_house_is_asked(judged, signing, agent) -> None:
    finding = await judged(signing.Draft(signing.Signer(), agent=agent))
    assert finding.reasons[1] == "sig_unverified:directory_url"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "directory_unreadable"),
        (b"[" * LIMIT, "directory_unreadable"),
        (b'{"keys":[' + b"{}," * 20_000 + b"{}]}", "directory_too_many_keys"),
        (b'{"keys":[{"kty":"RSA","e":"AQAB","n":"' + b"A" * 60_000 + b'"}]}', "key_unknown"),
        (b'{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', "directory_has_secrets"),
    ],
)
async def test_documents_that_want_to_be_expensive(directory, judged, signing, body, why) -> None:
    async def told(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=body)

    directory.act = told
    finding = await judged(signing.Draft(signing.Signer(), agent=directory.agent))
    assert finding.reasons[1] == f"sig_unverified:{why}"


async def test_a_flood_of_agents_and_keys_asks_a_bounded_number_of_times(directory, judged, signing) -> None:
    async def none(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404)

    directory.act = none
    signer = signing.Signer()
    for number in range(3 * UNKNOWN_OF_ALL):
        draft = signing.Draft(signer, agent=f"{directory.agent}/{number}", parameters={"keyid": f"k{number}"})
        finding = await judged(draft)
        assert finding.outcome == "unverified"
    assert len(directory.seen) <= 6
    assert finding.reasons[1] == "sig_unverified:directory_rate"


async def test_the_mirror_of_a_directory_makes_nobody_somebody_else(directory, judged, signing) -> None:
    """Whoever copies ChatGPT's directory to a host of its own has ChatGPT's keys there, and cannot sign."""
    victim = signing.Signer()

    async def mirrored(_: web.BaseRequest) -> web.StreamResponse:
        body = signing.jwks(victim)
        return web.Response(body=body, headers=signing.signed_directory("chatgpt.com", body, victim))

    directory.act = mirrored
    finding = await judged(signing.Draft(victim, agent=directory.agent))
    assert finding.reasons[1] == "sig_unverified:directory_signature"
