"""Signed requests against a whole gateway: a crawler, its directory over TLS on the loopback, and the front."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from gateway.app.channel import Channel, asked
from gateway.app.office_line import OfficeLine
from gateway.app.office_room import OfficeRoom
from gateway.evidence import Needs
from gateway.licenses.revocations import RevocationFeed
from gateway.provenance.writers import OtherWriters

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
WELL_KNOWN = "/.well-known/http-message-signatures-directory"


@pytest.fixture
async def directory(certify):
    """A crawler's own server: *body* is what it publishes, *seen* what was asked for."""
    certificate = certify("127.0.0.1")
    one = SimpleNamespace(body=b"", seen=[], headers={}, authorities=certificate[0])

    async def answer(request: web.BaseRequest) -> web.Response:
        one.seen.append(request)
        return web.Response(body=one.body, headers=one.headers)

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    one.place = f"127.0.0.1:{runner.addresses[0][1]}"
    one.agent = f"https://{one.place}"
    one.settings = f'[signatures]\nexempt = ["{one.place}"]\nauthorities = "{certificate[0]}"\n'
    yield one
    await runner.cleanup()


def watched(one):
    """What the front finds of each request's signature, as it is found."""
    front, found = one.licet.front, []
    gate = front.listener._gate
    identify = gate.identify

    def watching(ask, evidence):
        finding = front.identification.signatures.finding(ask, evidence)
        if isinstance(finding, Needs):
            return finding
        found.append(finding)
        return identify(ask, evidence)

    object.__setattr__(gate, "identify", watching)
    return found


@pytest.fixture
def send(signing):
    """`send(world, signer, path)`: a signed request, and its answer."""

    async def sent(one, signer, path, *, token="", headers=(), lines=None, **members):
        now = int(time.time())
        parameters = {"created": now - 1, "expires": now + 60, **members.pop("parameters", {})}
        headers = [
            ("user-agent", GPTBOT),
            *headers,
            *([("authorization", f"License {token}")] if token else []),
        ]
        covered = ['"@authority"', '"@method"', '"@path"', *(['"authorization"'] if token else [])]
        draft = signing.Draft(
            signer, origin=one.front, target=path, headers=headers, parameters=parameters,
            **{"covered": covered, **members},
        )  # fmt: skip
        lines = lines or [line for line in draft.lines() if line[0] != "host"]
        async with one.http.get(one.front + path, headers={**dict(lines), "X-Country": "DE"}) as answer:
            await answer.read()
            return answer, lines

    return sent


async def test_a_signature_verifies_by_the_directory_it_names(world, directory, signing, send) -> None:
    one = await world(settings=directory.settings)
    found = watched(one)
    signer = signing.Signer()
    directory.body = signing.jwks(signer)
    for form in ("dictionary", "whole", "string", "bare"):
        await send(one, signer, "/essays/tides", agent=directory.agent, form=form)
    assert [each.outcome for each in found] == ["verified"] * 4
    assert found[0].reasons == (
        "sig_form:dictionary", "sig_valid", "sig_unknown_directory", "sig_directory_unsigned",
    )  # fmt: skip
    assert len(directory.seen) == 1, "and it is fetched once"
    other = await send(one, signing.Signer(), "/essays/tides", agent=directory.agent)
    assert found[-1].reasons[1] == "sig_unverified:key_unknown"
    assert other[0].status == 402


async def test_our_request_to_a_directory_is_signed_by_keys_that_each_site_publishes(
    world, directory, signing, send
) -> None:
    one = await world(settings=directory.settings + 'identity = "https://journal.example"\n')
    watched(one)
    await send(one, signing.Signer(), "/essays/tides", agent=directory.agent)
    (asked,) = directory.seen
    assert asked.headers["Signature-Agent"] == f'sig1="https://journal.example{WELL_KNOWN}"'
    assert 'tag="web-bot-auth"' in asked.headers["Signature-Input"]
    answer = await one.get(WELL_KNOWN, "curl/8")
    assert answer.status == 200
    assert answer.content_type == "application/http-message-signatures-directory+json"
    published = await answer.json(content_type=None)
    keyid = one.licet.identity_keys.current.public.thumbprint
    assert keyid in {key["kid"] for key in published["keys"]}
    assert f'keyid="{keyid}"' in asked.headers["Signature-Input"]
    assert f'keyid="{keyid}"' in answer.headers["Signature-Input"]
    assert one.origin.seen == []


async def test_a_used_signature_buys_nothing_twice(world, directory, signing, send) -> None:
    one = await world(settings=directory.settings)
    found = watched(one)
    signer = signing.Signer()
    directory.body = signing.jwks(signer)
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    first, lines = await send(one, signer, "/essays/tides", agent=directory.agent, token=token)
    assert (first.status, found[-1].outcome) == (200, "verified")
    copied, _ = await send(one, signer, "/essays/tides", lines=lines)
    assert copied.status == 429
    assert (await copied.json(content_type=None))["code"] == "signature-replayed"
    assert ";nonce" in copied.headers["Accept-Signature"]
    anew, _ = await send(
        one, signer, "/essays/tides", agent=directory.agent, token=token, parameters={"nonce": "another"}
    )
    assert anew.status == 200


async def test_a_worker_hears_which_signatures_paid_at_another(tmp_path) -> None:
    """Between two lines of one office: what one tells, the other hears, and the teller does not."""
    heard: dict[str, list[tuple[str, int]]] = {"a": [], "b": []}

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answer(name, given):
            return None

        def hear(name, given):
            OfficeRoom._heard(room, one, name, given)

        one = SimpleNamespace(channel=Channel(reader, writer, answer=answer, hear=hear))
        others.append(one)
        await one.channel.run()

    others: list[SimpleNamespace] = []
    room = SimpleNamespace(
        _tell_all=lambda name, given, but: [
            each.channel.tell(name, given) for each in others if each is not but
        ],
    )
    server = await asyncio.start_unix_server(met, tmp_path / "office")
    told = asyncio.Event()

    def used(name):
        def learn(mark, until):
            heard[name].append((mark, until))
            told.set()

        return learn

    async def take_up():
        return []

    async def recall(_licensee):
        raise AssertionError("nobody is short here")

    made = {
        name: OfficeLine(
            tmp_path / "office", name, RevocationFeed(), writer=name, others=OtherWriters(tmp_path),
            learn=lambda units: None, used=used(name), take_up=take_up,
            withdraw=lambda found: None, closed=lambda: None, recall=recall,
        )
        for name in heard
    }  # fmt: skip
    running = [asyncio.create_task(line.run()) for line in made.values()]
    for line in made.values():
        await line.known.wait()
    made["a"].tell("used", ["mark", 100])
    async with asyncio.timeout(10):
        await told.wait()
    assert heard == {"a": [], "b": [("mark", 100)]}
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    server.close()


async def test_a_token_that_is_not_covered_does_not_verify_the_paid_attempt(
    world, directory, signing, send
) -> None:
    one = await world(settings=directory.settings)
    found = watched(one)
    signer = signing.Signer()
    directory.body = signing.jwks(signer)
    await send(one, signer, "/essays/tides", agent=directory.agent, token="t", covered=['"@authority"'])
    assert found[-1].reasons[1:] == ("sig_unverified:uncovered_credential", "sig_uncovered:authorization")


async def test_a_crawler_that_claims_a_name_is_told_what_to_sign(world) -> None:
    one = await world()
    answer = await one.get("/essays/tides", GPTBOT)
    assert answer.status == 402
    assert answer.headers["Accept-Signature"] == (
        'sig1=("@authority" "@method" "@path" "signature-agent";key="sig1");created;expires;keyid;tag="web-bot-auth"'
    )
    older = await one.get("/essays/tides", GPTBOT, headers={"Signature-Agent": '"https://bot.example"'})
    assert '"@path" "signature-agent");' in older.headers["Accept-Signature"]
    person = await one.get("/essays/tides")
    assert "Accept-Signature" not in person.headers


async def test_a_site_that_asks_gets_signed_requests_and_another_none(world) -> None:
    one = await world()
    await one.get("/essays/tides")
    assert not any(name.lower() == "signature" for name, _ in one.origin.seen[-1]["headers"])
    file = one.folder / "sites" / "journal.toml"
    file.write_text(file.read_text().replace('mode = "enforce"', 'mode = "enforce"\nsign_requests = true'))
    assert one.licet.reload() == ()
    await one.get("/essays/tides")
    told = {name.lower(): value for name, value in one.origin.seen[-1]["headers"]}
    keyid = one.licet.origin_keys.current.public.thumbprint
    assert f'keyid="{keyid}"' in told["signature-input"]
    published = await (await one.get(WELL_KNOWN, "curl/8")).json(content_type=None)
    assert keyid in {key["kid"] for key in published["keys"]}


async def test_workers_fetch_through_the_office_which_signs(licet, origin, directory, http) -> None:
    """The key that signs fetches stays at the office; a worker's own key signs what goes to the site's server."""
    data = licet.write_site(origin.url)
    with (data / "licet.toml").open("a") as settings:
        settings.write(directory.settings + 'identity = "https://journal.example"\n')
    file = data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace('mode = "enforce"', 'mode = "enforce"\nsign_requests = true'))
    one = await licet.serve("--workers", 2)
    office = Path(json.loads((data / "licet.lock").read_text())["run"]) / "office"
    directory.body = b'{"keys":[]}'
    got = await asked(office, "fetch", f"{directory.agent}{WELL_KNOWN}")
    assert got["body"] == '{"keys":[]}'
    (request,) = directory.seen
    refused = await asked(office, "fetch", "https://169.254.169.254/")
    assert refused["why"] == "url"
    async with http.get(
        f"{one.front}/essays/tides", headers={"User-Agent": "Mozilla/5.0 Firefox/140.0"}
    ) as page:
        assert page.status == 200
    told = {name.lower(): value for name, value in origin.seen[-1]["headers"]}
    async with http.get(one.front + WELL_KNOWN) as answer:
        published = {key["kid"] for key in json.loads(await answer.read())["keys"]}
    for line in (told["signature-input"], request.headers["Signature-Input"]):
        assert any(f'keyid="{kid}"' in line for kid in published)
    signing = [
        (await licet("keys", "list", "--ring", ring, "--json")).json for ring in ("identity", "origin")
    ]
    assert {row["kid"] for rows in signing for row in rows} == published
    assert "signs as" in (await licet("doctor")).out
