"""`licet serve` as a process: from an empty folder to the second signal."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
PERSON = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html",
    "Accept-Language": "de",
}
MONTH = datetime.now(UTC).strftime("%Y-%m")


@dataclass
class Slow:
    """An origin that sends half of /essays/slow and the rest when it is let."""

    url: str = ""
    half_sent: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("slow"):
            return web.Response(text=f"page {request.path} " + "words " * 100)
        response = web.StreamResponse(headers={"Content-Length": "200000"})
        await response.prepare(request)
        await response.write(b"a" * 100_000)
        self.half_sent.set()
        await self.go_on.wait()
        await response.write(b"b" * 100_000)
        return response


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    site = Slow()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    site.go_on.set()
    await runner.cleanup()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def test_the_first_start_in_an_empty_folder_makes_everything_and_only_watches(
    licet, http, origin
) -> None:
    one = await licet.serve("--upstream", origin.url)
    data = licet.folder / "licet-data"
    for path in [data, *data.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert (data / "licet.db").is_file()
    assert list((data / "keys" / "tokens").glob("*.pem"))

    told = await one.says("licet init")
    assert "mode observe" in told
    assert one.sign_in in told
    for step in ("curl -i -A GPTBot", "licet policy explain", "licet doctor", "Only watching"):
        assert step in told

    async with http.get(origin.url + "/essays/tides") as answer:
        direct = await answer.read()
    async with http.get(one.front + "/essays/tides", headers={"User-Agent": GPTBOT}) as answer:
        assert (answer.status, await answer.read()) == (200, direct)
    async with http.get(one.sign_in) as answer:
        assert answer.status == 200

    second = await licet("serve", "--upstream", origin.url, "--port", 0, code=2)
    assert "another gateway runs on this data folder" in second.err
    assert second.out == ""

    assert await one.stop() == 0
    assert one.told.endswith("stopped\n")
    (record,) = [json.loads(line)["entry"] for line in (await licet("journal", "export")).out.splitlines()]
    assert (record["mode"], record["crawler"], record["would"]) == ("observe", "GPTBot", "license-required")
    assert record["charged_micros"] == 0 < record["quote_micros"]


async def test_a_download_in_flight_ends_and_nobody_new_is_let_in(licet, http, slow) -> None:
    one = await licet.serve("--upstream", slow.url)
    async with http.get(one.front + "/essays/slow", headers=PERSON) as answer:
        await slow.half_sent.wait()
        one.signal(signal.SIGTERM)
        await one.says("draining 1 connection, at most 30 s")
        async with asyncio.timeout(10):
            while True:
                try:
                    async with (
                        aiohttp.ClientSession() as fresh,
                        fresh.get(one.front + "/essays/tides") as late,
                    ):
                        # Accepted by the kernel before the door was shut: answered, and then closed.
                        assert late.headers["Connection"] == "close"
                except aiohttp.ClientConnectionError:
                    break
        slow.go_on.set()
        body = await answer.read()
    assert body == b"a" * 100_000 + b"b" * 100_000
    assert await one.ended() == 0


async def test_a_second_signal_stops_at_once_and_no_acknowledged_record_is_lost(
    licet, http, slow, sell
) -> None:
    licet.write_site(slow.url)
    one = await licet.serve()
    sold = await sell(one)
    headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {sold.token}"}
    async with http.get(one.front + "/essays/slow", headers=headers) as answer:
        await slow.half_sent.wait()
        one.signal(signal.SIGTERM)
        await one.says("once more stops at once")
        one.signal(signal.SIGTERM)
        assert await one.ended() == 130
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
    assert "stopping at once" in one.told
    kept = [json.loads(line)["entry"]["id"] for line in (await licet("journal", "export")).out.splitlines()]
    assert set(sold.records) <= set(kept)
    charges = (await licet("statement", sold.licensee, "--period", MONTH, "--json")).json
    assert charges["totals"][0]["charged_micros"] == 2 * 5_000
    assert (await licet("journal", "audit")).out.endswith("good: everything agrees\n")


async def test_policies_are_taken_up_on_sighup_and_on_change_whole_or_not_at_all(licet, http, origin) -> None:
    data = licet.write_site(origin.url, mode="observe")
    file, other = data / "sites" / "journal.toml", data / "sites" / "second.toml"
    other.write_text(f'stance = "open"\n[site]\nhosts = ["second.test"]\norigin = "{origin.url}"\n')
    one = await licet.serve()

    async def status() -> int:
        async with http.get(
            one.front + "/essays/tides", headers={"User-Agent": GPTBOT, "X-Country": "DE"}
        ) as answer:
            return answer.status

    assert await status() == 200
    was, seen = file.read_text(), len(one.told)
    file.write_text(was.replace('mode = "observe"', 'mode = "enforce"'))
    await one.says("policies taken up", seen)
    assert await status() == 402

    # One good change and one bad: neither is taken up, and the sentence names file and key.
    seen = len(one.told)
    file.write_text(was)
    other.write_text(other.read_text().replace('stance = "open"', 'stance = "opened"'))
    one.signal(signal.SIGHUP)
    told = await one.says("policy not taken up", seen)
    assert "licet-data/sites/second.toml: stance" in told
    assert await status() == 402

    seen = len(one.told)
    other.write_text(other.read_text().replace('stance = "opened"', 'stance = "open"'))
    one.signal(signal.SIGHUP)
    await one.says("policies taken up", seen)
    assert await status() == 200
    assert await one.stop() == 0


async def test_an_origin_that_is_down_is_502_and_doctor_says_so(licet, http) -> None:
    nowhere = f"http://127.0.0.1:{_free_port()}"
    licet.write_site(nowhere, mode="observe")
    one = await licet.serve()
    async with http.get(one.front + "/essays/tides", headers={"User-Agent": GPTBOT}) as answer:
        assert answer.status == 502
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert (await answer.json(content_type=None))["code"] == "origin-unreachable"
    found = await licet("doctor", code=1)
    assert f"bad   origin       journal: {nowhere} cannot be reached: Connection refused" in found.out
    assert f"ok    gateway      runs at {one.front}" in found.out


async def test_a_port_in_use_is_said_by_its_option(licet, origin) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option, key in (("--port", "listen.port"), ("--dashboard-port", "dashboard.port")):
            ports = {"--port": 0, "--dashboard-port": 0} | {option: port}
            args = [each for pair in ports.items() for each in pair]
            done = await licet("serve", "--upstream", origin.url, *args, code=2)
            assert (
                done.err == f"licet: 127.0.0.1:{port}: {key}: cannot be listened on: Address already in use\n"
            )
    # What failed to start left nothing locked.
    assert await (await licet.serve("--upstream", origin.url)).stop() == 0


def _bound_by_modes() -> None:
    """In the child, before it becomes `licet`: root gives up that file modes do not bind it (PR_CAPBSET_DROP)."""
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0


async def test_a_data_folder_that_cannot_be_written(licet, origin, tmp_path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    for data in (closed, closed / "inside"):
        done = await licet(
            "serve", "--upstream", origin.url, "--data", data, "--port", 0, code=2, preexec_fn=_bound_by_modes
        )
        assert done.err == f"licet: {data}: must be a folder licet can write: Permission denied\n"
    # One that was written before and cannot be any more.
    await (await licet.serve("--upstream", origin.url)).stop()
    data = licet.folder / "licet-data"
    (data / "licet.lock").unlink()
    data.chmod(0o500)
    done = await licet("serve", "--upstream", origin.url, code=2, preexec_fn=_bound_by_modes)
    assert "licet-data: must be a folder licet can write: Permission denied" in done.err
    done = await licet("licensee", "list", code=2, preexec_fn=_bound_by_modes)
    assert "must be a file licet can write: its folder cannot be written" in done.err
    found = await licet("doctor", code=1, preexec_fn=_bound_by_modes)
    assert "bad   data folder  cannot be written" in found.out
    data.chmod(0o700)


async def test_a_key_that_others_can_read_is_refused_with_its_mode(licet, origin) -> None:
    await (await licet.serve("--upstream", origin.url)).stop()
    folder = licet.folder / "licet-data" / "keys" / "tokens"
    key = sorted(folder.glob("*.pem"))[0]
    key.chmod(0o640)
    done = await licet("serve", "--upstream", origin.url, "--port", 0, code=2)
    assert f"{key.name}: only its owner may have access to it (chmod 600), not mode 0640" in done.err
    found = await licet("doctor", code=1)
    assert "bad   keys" in found.out
    assert "mode 0640" in found.out


async def test_wrong_toml_tells_every_mistake_of_settings_and_policies_at_once(licet, origin) -> None:
    data = licet.write_site(origin.url)
    (data / "licet.toml").write_text(
        '[listen]\nport = "many"\nhots = "x"\n[people]\ncounted = 3\n[pacing]\nlicense_burst = 0\n'
    )
    site = data / "sites" / "journal.toml"
    site.write_text(site.read_text().replace('mode = "enforce"', 'mode = "force"').replace("own", "owned"))
    done = await licet("serve", code=2)
    for place in (
        "licet.toml: listen.port", "licet.toml: listen.hots", "licet.toml: people.counted",
        "licet.toml: pacing.license_burst", "journal.toml: site.mode", "journal.toml: works[0].rights",
        "journal.toml: works[1].rights",
    ):  # fmt: skip
        assert place in done.err
    assert all(line.startswith("licet: ") for line in done.err.splitlines())

    (data / "licet.toml").write_text("listen = [[[")
    assert "licet.toml: is not TOML" in (await licet("serve", code=2)).err
    (data / "licet.toml").write_text("listen = 3")
    done = await licet("serve", "--port", 0, code=2, env={"LICET_LISTEN_HOST": "127.0.0.1"})
    assert "listen: " in done.err
    (data / "licet.toml").unlink()
    done = await licet("serve", code=2, env={"LICET_DASHBOARD_PORT": "99999"})
    assert "environment LICET_DASHBOARD_PORT: dashboard.port" in done.err
    done = await licet("serve", "--dashboard-port", -1, code=2)
    assert "--dashboard-port: dashboard.port" in done.err


async def test_policy_files_and_upstream_exclude_each_other_and_one_is_needed(licet, origin) -> None:
    assert "no policy file in licet-data/sites" in (await licet("serve", code=2)).err
    for option, wrong in (("--mode", "force"), ("--stance", "greedy"), ("--upstream", "ftp://x")):
        done = await licet("serve", "--upstream", origin.url, option, wrong, code=2)
        assert option in done.err, done.err
    licet.write_site(origin.url)
    assert "leave --upstream out" in (await licet("serve", "--upstream", origin.url, code=2)).err
