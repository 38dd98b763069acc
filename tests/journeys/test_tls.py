"""`licet serve` alone in front of a site, in TLS: bought on one connection, renewed while it serves."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl

import aiohttp

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
SETTINGS = '[tls]\ncertificate = "own.crt"\nkey = "own.key"\n'


def _session(trusted: os.PathLike[str], opened: list[int]) -> aiohttp.ClientSession:
    """A client of one connection at a time; *opened* grows with each that it makes."""
    tracing = aiohttp.TraceConfig()

    async def made(*_: object) -> None:
        opened.append(1)

    tracing.on_connection_create_end.append(made)
    connector = aiohttp.TCPConnector(limit=1, ssl=ssl.create_default_context(cafile=trusted))
    return aiohttp.ClientSession(
        connector=connector, trace_configs=[tracing], cookie_jar=aiohttp.DummyCookieJar()
    )


async def _shown(front: str) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, _, port = front.removeprefix("https://").rpartition(":")
    _reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return shown


async def test_a_crawler_is_refused_buys_and_fetches_on_one_connection(licet, origin, certify) -> None:
    data = licet.write_site(origin.url)
    (data / "licet.toml").write_text((data / "licet.toml").read_text() + SETTINGS)
    trusted, _ = certify("127.0.0.1", "localhost", stem="own", folder=data)
    one = await licet.serve()
    assert one.front.startswith("https://127.0.0.1:")
    assert f"gateway    {one.front}" in one.told
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")).json
    login = aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])
    agent = {"User-Agent": GPTBOT, "X-Country": "DE"}
    opened: list[int] = []
    async with _session(trusted, opened) as http:
        async with http.get(f"{one.front}/essays/tides", headers=agent) as answer:
            assert answer.status == 402
            asked = await answer.json(content_type=None)
        assert one.front in str(asked)
        form = {"grant_type": "client_credentials", "resource": f"{one.front}/essays/"}
        async with http.post(
            f"{one.front}/.licet/token", data=form, headers={"Authorization": login}
        ) as answer:
            bought = await answer.json(content_type=None)
            assert answer.status == 200, bought
        token = {**agent, "Authorization": f"License {bought['access_token']}"}
        async with http.get(f"{one.front}/essays/tides", headers=token) as answer:
            assert answer.status == 200
            assert "Licet-Record" in answer.headers
            await answer.read()
        async with http.get(f"{one.front}/essays/big", headers={"User-Agent": "Firefox"}) as answer:
            assert len(await answer.read()) == 64 * 65536
    assert len(opened) == 1
    told = {name.lower(): value for name, value in origin.seen[-1]["headers"]}
    assert (told["x-forwarded-proto"], told["x-forwarded-for"]) == ("https", "127.0.0.1")
    assert await one.stop() == 0


async def test_renewed_certificates_reach_every_worker_and_broken_ones_none(licet, origin, certify) -> None:
    data = licet.write_site(origin.url, mode="observe")
    (data / "licet.toml").write_text((data / "licet.toml").read_text() + SETTINGS)
    trusted, key = certify("127.0.0.1", "localhost", stem="own", folder=data)
    one = await licet.serve("--workers", 2)
    opened: list[int] = []

    def pem() -> bytes:
        return ssl.PEM_cert_to_DER_cert(trusted.read_text())

    first = pem()
    assert {await _shown(one.front) for _ in range(8)} == {first}
    async with _session(trusted, opened) as http:
        async with http.get(f"{one.front}/a") as answer:
            assert answer.status == 200
        certify("127.0.0.1", "localhost", stem="own", folder=data)
        seen = len(one.told)
        one.signal(signal.SIGHUP)
        await one.says("policies taken up", seen)
        assert one.told.count("certificates taken up") == 2
        assert {await _shown(one.front) for _ in range(8)} == {pem()} != {first}
        key.write_text("no key")
        seen = len(one.told)
        one.signal(signal.SIGHUP)
        told = await one.says("policies taken up", seen)
        assert told.count("a certificate was not taken up") == 2
        assert "own.key is no key in PEM" in told
        assert {await _shown(one.front) for _ in range(8)} == {pem()}
        # The connection of before is as it was.
        async with http.get(f"{one.front}/a") as answer:
            assert answer.status == 200
    assert len(opened) == 1
    assert await one.stop() == 0


async def test_a_restart_loses_no_request(licet, origin, certify) -> None:
    data = licet.write_site(origin.url, mode="observe")
    (data / "licet.toml").write_text((data / "licet.toml").read_text() + SETTINGS)
    trusted, _ = certify("127.0.0.1", "localhost", stem="own", folder=data)
    one = await licet.serve("--workers", 2)
    ending = asyncio.Event()

    async def anew() -> int:
        done = 0
        while not ending.is_set():
            async with _session(trusted, []) as http, http.get(f"{one.front}/a") as answer:
                assert answer.status == 200
                await answer.read()
                done += 1
        return done

    async def kept() -> int:
        done = 0
        async with _session(trusted, []) as http:
            while not ending.is_set():
                async with http.get(f"{one.front}/a") as answer:
                    assert answer.status == 200
                    await answer.read()
                    done += 1
        return done

    asking = [asyncio.ensure_future(each()) for each in (anew, anew, kept)]
    await licet("restart")
    ending.set()
    assert min(await asyncio.gather(*asking)) > 0
    assert await one.stop() == 0


async def test_doctor_tells_until_when_certificates_hold_and_serve_what_is_wrong(
    licet, origin, certify
) -> None:
    data = licet.write_site(origin.url)
    site = data / "sites" / "journal.toml"
    site.write_text(site.read_text().replace('"127.0.0.1", "localhost"', '"a.example", "b.example"'))
    (data / "licet.toml").write_text(SETTINGS)
    for days, state, said in ((90.5, "ok", "90 days"), (20.5, "warn", "20 days"), (-1.5, "bad", "ended on")):
        certify("a.example", stem="own", folder=data, days=days)
        found = await licet("doctor", "--json", code=1 if state == "bad" else 0)
        holds, uncovered = [each for each in found.json if each["what"] == "certificate"]
        assert (holds["state"], said in holds["fact"]) == (state, True)
        assert uncovered["fact"] == "journal: no certificate covers b.example"
    # An ended one is served nevertheless, and said so.
    one = await licet.serve()
    assert "clients refuse it" in one.told
    assert await one.stop() == 0
    (data / "own.key").chmod(0o604)
    (data / "own.crt").unlink()
    done = await licet("serve", "--port", 0, code=2)
    assert "licet.toml: tls.certificate: " in done.err
    assert "own.crt cannot be read: No such file or directory" in done.err
    assert "licet.toml: tls.key: " in done.err
    assert "(chmod 600 or 640), not mode 0604" in done.err
    found = await licet("doctor", code=1)
    assert "bad   settings" in found.out
