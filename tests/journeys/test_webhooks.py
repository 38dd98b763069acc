"""Events arrive: at a receiver that is another process, through an office that is killed, and by the feed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

#: A receiver as anybody would write one: it keeps what came, line by line, and answers as the file beside says;
#: 0 is no answer before there is another one.
RECEIVER = """
import asyncio, json, ssl, sys
from aiohttp import web
heard, answers, certificate, key, port = sys.argv[1:]
async def answer(request):
    told = {"headers": dict(request.headers), "body": (await request.read()).decode()}
    def keep(status):
        with open(heard, "a") as kept:
            kept.write(json.dumps({**told, "status": status}) + "\\n")
    if (status := int(open(answers).read())) == 0:
        keep(0)
        while (status := int(open(answers).read() or "0")) == 0:
            await asyncio.sleep(0.02)
    keep(status)
    return web.Response(status=status)
async def started(app):
    print("ready", flush=True)
app = web.Application()
app.router.add_post("/hook", answer)
tls = None
if certificate:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
web.run_app(app, host="127.0.0.1", port=int(port), ssl_context=tls, print=lambda *_: print("ready", flush=True))
"""


@dataclass
class Receiver:
    """A process that receives webhooks."""

    folder: Path
    port: int
    certificate: tuple[Path, Path] | None
    process: asyncio.subprocess.Process | None = None
    status: int = 204

    async def start(self) -> None:
        self.answer(self.status)
        paths = self.certificate or ("", "")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RECEIVER, str(self.folder / "heard"), str(self.folder / "answers"),
            *map(str, paths), str(self.port), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            assert b"ready" in await self.process.stdout.readline()

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def answer(self, status: int) -> None:
        """Answer that from now on."""
        self.status = status
        (self.folder / "answers").write_text(str(status))

    @property
    def heard(self) -> list[dict[str, Any]]:
        """Everything that came."""
        file = self.folder / "heard"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def taken(self) -> list[dict[str, Any]]:
        """What it said yes to: each event once, in the order in which it was first taken."""
        found: dict[str, dict[str, Any]] = {}
        for each in self.heard:
            if 200 <= each["status"] < 300:
                found.setdefault(each["headers"]["webhook-id"], each)
        return list(found.values())

    async def until(self, done: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Wait until what it took is enough."""
        async with asyncio.timeout(60):
            while not done(self.taken):
                await asyncio.sleep(0.05)
        return self.taken


@dataclass
class Receivers:
    """Makes receivers, and ends them."""

    folder: Path
    certify: Any
    port: Any
    made: list[Receiver] = field(default_factory=list)

    async def __call__(self, *, tls: bool = True, start: bool = True) -> Receiver:
        folder = self.folder / f"receiver{len(self.made)}"
        folder.mkdir()
        certificate = self.certify("127.0.0.1", folder=folder) if tls else None
        one = Receiver(folder, self.port(), certificate)
        self.made.append(one)
        if start:
            await one.start()
        return one


@pytest.fixture
async def receivers(tmp_path: Path, certify: Any, unused_tcp_port_factory: Any) -> AsyncIterator[Receivers]:
    """`await receivers()`: a process that listens on a port of its own."""
    found = Receivers(tmp_path, certify, unused_tcp_port_factory)
    yield found
    for each in found.made:
        await each.stop()


def types(taken: list[dict[str, Any]]) -> list[str]:
    return [json.loads(each["body"])["type"] for each in taken]


class Buyer:
    """A licensee's client."""

    def __init__(self, http: aiohttp.ClientSession, front: str, made: dict[str, Any]) -> None:
        self.http, self.front, self.licensee = http, front, made["licensee"]
        self.login = {"Authorization": aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])}

    async def say(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        async with self.http.post(
            f"{self.front}/.licet/{path}", json=body, headers={**self.login, **headers}
        ) as answer:
            told = json.loads(await answer.read())
            assert answer.status < 300, told
            return {**told, "etag": answer.headers.get("ETag", "")}

    async def deal(self) -> list[str]:
        """Propose, and end it: which events that makes."""
        told = await self.say("negotiations", {"offer": "training", "facts": {}, "proposal": {}})
        await self.say(f"negotiations/{told['id']}/termination", {}, **{"If-Match": told["etag"]})
        async with self.http.get(told["url"], headers=self.login) as answer:
            transcript = (await answer.json())["transcript"]
        return [entry["hash"] for entry in transcript]

    async def feed(self) -> list[dict[str, Any]]:
        """Everything that the feed has."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            query = {"after": after} if after else {}
            async with self.http.get(
                f"{self.front}/.licet/events", params=query, headers=self.login
            ) as answer:
                told = await answer.json()
            found += told["events"]
            after = told["next"]
            if not told["more"]:
                return found


def settings(data: Path, receiver: Receiver, own: Receiver | None = None) -> None:
    assert receiver.certificate is not None
    file = data / "licet.toml"
    own_table = (
        f'[[webhooks]]\nurl = "http://127.0.0.1:{own.port}/hook"\nprivate = true\n' if own is not None else ""
    )
    file.write_text(
        file.read_text()
        + f'[signatures]\nauthorities = "{receiver.certificate[0]}"\n'
        + f'[outbox]\nexempt = ["127.0.0.1:{receiver.port}"]\n{own_table}'
    )


async def registered(buyer: Buyer, receiver: Receiver) -> tuple[str, str]:
    """Have *receiver* be an endpoint of *buyer*; its id and secret."""
    told = await buyer.say("webhooks", {"url": f"https://127.0.0.1:{receiver.port}/hook"})
    assert told["ping"] == {"answered": True, "status": 204}
    ((headers, body),) = [(each["headers"], each["body"]) for each in receiver.heard]
    pinged = Webhook(told["secret"]).verify(body, headers)
    assert pinged["data"]["confirm"].endswith(f"/.licet/webhooks/{told['id']}/verification")
    (receiver.folder / "heard").unlink()
    proven = await buyer.say(
        f"webhooks/{told['id']}/verification", {"challenge": pinged["data"]["challenge"]}
    )
    assert proven["state"] == "on"
    return told["id"], told["secret"]


async def test_every_event_arrives_signed_at_whom_it_concerns(
    licet: Any, http: aiohttp.ClientSession, origin: Any, receivers: Receivers
) -> None:
    receiver, own = await receivers(), await receivers(tls=False)
    data = licet.write_site(origin.url)
    settings(data, receiver, own)
    one = await licet.serve()
    add = ("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")
    mine, other = [Buyer(http, one.front, (await licet(*add)).json) for _ in range(2)]
    id, secret = await registered(mine, receiver)
    versions = await mine.deal()
    theirs = await other.deal()
    taken = await receiver.until(lambda found: len(found) >= len(versions))
    told = [Webhook(secret).verify(each["body"], each["headers"]) for each in taken]
    assert [each["data"]["version"] for each in told] == versions
    assert {each["data"]["licensee"] for each in told} == {mine.licensee}
    assert told[0]["data"]["url"] == f"{one.front}{told[0]['data']['path']}"

    seen = await own.until(lambda found: len(found) >= len(versions) + len(theirs))
    listed = (await licet("outbox", "list", "--json")).json
    (operators,) = [each for each in listed if not each["licensee"]]
    key = (await licet("outbox", "show", operators["id"], "--secret", "--json")).json["secret"]
    heard = [Webhook(key).verify(each["body"], each["headers"]) for each in seen]
    assert [each["data"]["version"] for each in heard] == [*versions, *theirs]
    feed = await mine.feed()
    assert [each["id"] for each in feed] == [each["headers"]["webhook-id"] for each in taken]

    rotated = await mine.say(f"webhooks/{id}/secret", {})
    more = await mine.deal()
    taken = await receiver.until(lambda found: len(found) >= len(versions) + len(more))
    for valid in (secret, rotated["secret"]):
        Webhook(valid).verify(taken[-1]["body"], taken[-1]["headers"])
    shown = (await licet("outbox", "show", id, "--json")).json
    assert {each["told"] for each in shown["deliveries"]} == {True}
    assert len(shown["deliveries"]) == len(versions) + len(more)
    assert "secret" not in shown
    assert await one.stop() == 0


async def test_a_receiver_that_was_away_and_an_office_that_was_killed_lose_nothing(
    licet: Any, http: aiohttp.ClientSession, origin: Any, receivers: Receivers
) -> None:
    receiver = await receivers()
    data = licet.write_site(origin.url)
    settings(data, receiver)
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")).json
    buyer = Buyer(http, one.front, made)
    id, secret = await registered(buyer, receiver)
    versions = await buyer.deal()
    await receiver.until(lambda found: len(found) >= len(versions))

    receiver.answer(503)
    versions += await buyer.deal()
    async with asyncio.timeout(20):
        while receiver.heard[-1]["status"] != 503:
            await asyncio.sleep(0.02)

    # Killed in the middle of an attempt, whose answer nobody hears any more.
    receiver.answer(0)
    await licet("outbox", "retry", id)
    async with asyncio.timeout(20):
        while receiver.heard[-1]["status"] != 0:
            await asyncio.sleep(0.02)
    await killed_office(data)
    receiver.answer(204)
    await receiver.until(lambda found: len(found) >= len(versions))
    repeated = [each["headers"]["webhook-id"] for each in receiver.heard if 200 <= each["status"] < 300]
    assert len(repeated) > len(set(repeated)), "what was being told is told again, as the same"

    # Killed while the receiver is away and events wait.
    await receiver.stop()
    versions += await buyer.deal()
    async with asyncio.timeout(20):
        while not next(each for each in (await licet("outbox", "list", "--json")).json if each["id"] == id)[
            "failing"
        ]:
            await asyncio.sleep(0.1)
    assert "webhooks" in (await licet("doctor", code=0)).out
    await killed_office(data)
    await receiver.start()
    # What a person does who has mended the receiver; by itself it would be tried again within the delay.
    await licet("outbox", "retry", id)
    taken = await receiver.until(lambda found: len(found) >= len(versions))
    told = [Webhook(secret).verify(each["body"], each["headers"]) for each in taken]
    assert [each["data"]["version"] for each in told] == versions, "each event, in its order"
    ids = {}
    for each in receiver.heard:
        data_ = json.loads(each["body"])["data"]
        change = data_["negotiation"], data_["version"]
        assert ids.setdefault(change, each["headers"]["webhook-id"]) == each["headers"]["webhook-id"]
    assert len(set(ids.values())) == len(versions), "each event has one id, at every attempt"
    assert [each["id"] for each in await Buyer(http, one.front, made).feed()] == list(ids.values())
    assert await one.stop() == 0


async def test_the_command_says_who_is_told_and_what_is_wrong(
    licet: Any, http: aiohttp.ClientSession, origin: Any, receivers: Receivers
) -> None:
    own, away = await receivers(tls=False), await receivers(tls=False, start=False)
    data = licet.write_site(origin.url)
    file = data / "licet.toml"
    tables = [
        f'[[webhooks]]\nurl = "http://127.0.0.1:{each.port}/hook"\nprivate = true\n' for each in (own, away)
    ]
    file.write_text(file.read_text() + "".join(tables))
    assert "is no data folder" in (await licet("outbox", "list", code=2)).err
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")).json
    changes = await Buyer(http, one.front, made).deal()
    taken = await own.until(lambda found: len(found) >= len(changes))

    listed = {each["url"]: each for each in (await licet("outbox", "list", "--json")).json}
    mine, other = (listed[f"http://127.0.0.1:{each.port}/hook"] for each in (own, away))
    assert (mine["state"], mine["waiting"], mine["failing"]) == ("on", 0, False)
    assert (other["state"], other["waiting"], other["failing"]) == ("on", len(changes), True)
    assert other["why"].startswith("unreachable")
    text = (await licet("outbox", "list")).out
    assert mine["id"] in text
    assert "tried again" in text
    told = (await licet("outbox", "show", taken[0]["headers"]["webhook-id"], "--json")).json
    assert (told["type"], told["subject"]) == ("negotiation.requested", told["body"]["negotiation"])
    assert {each["endpoint"]: each["told"] for each in told["deliveries"]} == {
        mine["id"]: True,
        other["id"]: False,
    }
    assert "negotiation.requested" in (await licet("outbox", "show", mine["id"])).out
    found = [each for each in (await licet("doctor", "--json")).json if each["what"] == "webhooks"]
    assert [(each["state"], other["id"] in each["fact"]) for each in found] == [("warn", True), ("ok", False)]
    mail = [each["fact"] for each in (await licet("doctor", "--json")).json if each["what"] == "e-mail"]
    assert mail == ["nobody is written to: no mail server is set"]

    assert (await licet("outbox", "test", mine["id"], "--json")).json["received"]
    pinged = own.taken[-1]
    secret = (await licet("outbox", "show", mine["id"], "--secret", "--json")).json["secret"]
    assert Webhook(secret).verify(pinged["body"], pinged["headers"])["type"] == "endpoint.ping"
    assert "unreachable" in (await licet("outbox", "test", other["id"], code=1)).out
    await away.start()
    assert (await licet("outbox", "retry", other["id"], "--json")).json["state"] == "on"
    assert len(await away.until(lambda got: len(got) >= len(changes))) == len(changes)
    for act in ("show", "retry", "test"):
        assert "no endpoint we_0" in (await licet("outbox", act, "we_0", code=1)).err
    assert "no event" in (await licet("outbox", "show", "ev_0", code=1)).err
    assert "[[webhooks]]" in (await licet("outbox", "--help")).out
    assert await one.stop() == 0


async def test_a_wrong_setting_is_named_before_anything_is_served(licet: Any, origin: Any) -> None:
    data = licet.write_site(origin.url)
    file = data / "licet.toml"
    file.write_text(file.read_text() + '[[webhooks]]\nurl = "http://hooks.journal.example/"\n')
    assert "webhooks.0.url" in (await licet("serve", "--port", 0, code=2)).err
    found = [each for each in (await licet("doctor", "--json", code=1)).json if each["what"] == "webhooks"]
    assert [each["state"] for each in found] == ["bad"]


async def killed_office(data: Path) -> None:
    """`kill -9` the office, and wait until there is another one."""
    before = await office_of(data)
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(30):
        while await office_of(data) in {0, before}:
            await asyncio.sleep(0.05)


async def office_of(data: Path) -> int:
    """The process id of the office, 0 while there is none."""
    from gateway.app.channel import asked
    from gateway.problems import StoreUnavailable

    run = json.loads((data / "licet.lock").read_text())["run"]
    try:
        found = await asked(Path(run) / "office", "processes")
    except StoreUnavailable:
        return 0
    return next((each["pid"] for each in found if each["role"] == "office"), 0)
