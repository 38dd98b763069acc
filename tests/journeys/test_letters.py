"""People are written to: a deal that waits, and what a licensee should read; through a real mail server."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import aiohttp
import pytest
from aiosmtpd.smtp import SMTP

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
price = {{ upfront = "500", per_fetch = "0.02" }}
[offers.answers]
uses = ["ai-input"]
works = ["essays"]
price = {{ per_fetch = "0.004" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training", "answers"] }}
[[rules]]
then = "serve"
"""
FACTS = {
    "use_case": "training a model that summarizes essays", "products": "Summarizer", "model_class": "closed",
    "redistribution": "no", "launch_date": "2027-06-01", "data_protection": "encrypted at rest",
}  # fmt: skip


class Mailbox:
    """A mail server; *away* has it refuse everything for the time being."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.away = False
        self.asked = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.asked += 1
        if self.away:
            return "451 come back later"
        made = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(made, EmailMessage)
        self.letters.append(made)
        return "250 OK"

    async def until(self, number: int) -> list[EmailMessage]:
        async with asyncio.timeout(40):
            while len(self.letters) < number:
                await asyncio.sleep(0.05)
        return self.letters


@pytest.fixture
async def mailbox(unused_tcp_port: int) -> AsyncIterator[tuple[Mailbox, int]]:
    made, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(made, hostname="mail.example", loop=loop), "127.0.0.1", unused_tcp_port
    )
    yield made, unused_tcp_port
    server.close()


async def test_a_deal_that_waits_is_written_about_and_so_is_what_the_licensee_may_accept(
    licet: Any, http: aiohttp.ClientSession, origin: Any, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    data = licet.write_site(origin.url, policy=POLICY)
    file = data / "licet.toml"
    file.write_text(
        file.read_text()
        + f'[email]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nlicensees = true\n'
        'sender = "licet@journal.example"\noperator = "ada@journal.example"\n'
    )
    one = await licet.serve()
    add = ("licensee", "add", "Example AI Labs", "--credit", "1000 USD", "--json")
    made = (await licet(*add, "--contact", "legal@ai.example")).json
    nowhere = (await licet(*add, "--contact", "by telephone")).json
    box.away = True

    async def begun(of: dict[str, str], offer: str) -> dict[str, Any]:
        login = {"Authorization": aiohttp.encode_basic_auth(of["client_id"], of["client_secret"])}
        body = {"offer": offer, "facts": FACTS, "proposal": {}}
        async with http.post(f"{one.front}/.licet/negotiations", json=body, headers=login) as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status == 201, told
            return told

    waiting = await begun(made, "training")
    assert waiting["waits_for"] == "creator"
    async with asyncio.timeout(20):
        while not box.asked:
            await asyncio.sleep(0.02)
    box.away = False
    offered = await begun(made, "answers")
    assert offered["state"] == "OFFERED"
    await begun(nowhere, "answers")
    letters = {each["To"]: each for each in await box.until(2)}
    assert set(letters) == {"ada@journal.example", "legal@ai.example"}
    operator, licensee = letters["ada@journal.example"], letters["legal@ai.example"]
    assert operator["Subject"] == f"A deal waits for you: {waiting['id']}"
    assert f"licet deals show {waiting['id']}" in operator.get_content()
    assert licensee["Subject"] == f"Terms are on the table: {offered['id']}"
    assert "Summarizer" not in operator.get_content() + licensee.get_content()
    listed = {each["url"]: each for each in (await licet("outbox", "list", "--json")).json}
    assert {each["state"] for each in listed.values()} == {"on"}
    mail = [each for each in (await licet("doctor", "--json")).json if each["what"] == "e-mail"]
    assert [(each["state"], each["fact"]) for each in mail] == [
        ("ok", f"ada@journal.example and licensees by 127.0.0.1:{port}, none")
    ]
    assert "a mailbox has no ping" in (await licet("outbox", "test", "we_mail_operator", code=2)).err
    async with asyncio.timeout(20):
        while (await licet("outbox", "list", "--json")).json[0]["waiting"]:
            await asyncio.sleep(0.1)
    passed = (await licet("outbox", "show", "we_mail_licensees", "--json")).json["deliveries"]
    assert [each["why"] for each in passed if not each["told"]] == ["there is no address to write to"]
    assert len(box.letters) == 2
    assert await one.stop() == 0
