"""Letters that prove a mailbox: what stands in them, and that nobody can have many sent to a stranger."""

from __future__ import annotations

import asyncio
import re

import pytest

from gateway.admission.pace import Pace
from gateway.clock import HandClock
from gateway.licenses.contract import NOTICE
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.mail import SmtpMail
from gateway.outbox.mailbox_letters import MailboxLetters, mailbox_letter
from tests.outbox.test_mail import post as post

LINK = "https://journal.example/.licet/mailbox/abc"


class Slow:
    """A mail server that takes letters once it is *free*."""

    def __init__(self):
        self.free, self.came = asyncio.Event(), []

    async def send(self, letter, to, id, at):
        self.came.append((letter, to, id))
        await self.free.wait()
        return Outcome(Said.TOLD, 250)


def prompt():
    made = Slow()
    made.free.set()
    return made


def test_a_letter_says_what_it_is_for_and_nothing_of_a_stranger():
    letter = mailbox_letter(LINK, "The Journal\r\nBcc: all@world.example")
    assert "\n" not in letter.subject
    assert "\r" not in letter.text
    assert re.findall(r"^https?:\S+$", letter.text, re.MULTILINE) == [LINK]
    assert "If it was not you, do nothing" in letter.text
    assert NOTICE in letter.text


async def test_one_mailbox_is_written_to_seldom_however_it_is_spelled():
    clock, mail = HandClock(), prompt()
    letters = MailboxLetters(mail, clock)
    spelled = ("eve@lab.example", "Eve@Lab.example", "eve+1@lab.example", "eve+2@lab.example")
    assert [await letters.send(each, link=LINK, site="J") for each in spelled] == [True] * 3 + [False]
    assert await letters.send("ada@lab.example", link=LINK, site="J"), "another mailbox does not wait"
    clock.advance(3600)
    assert await letters.send("eve@lab.example", link=LINK, site="J")
    assert len(mail.came) == 5


async def test_all_together_are_paced_and_a_slow_server_is_not_waited_for_by_many():
    clock, mail = HandClock(), prompt()
    letters = MailboxLetters(mail, clock, lambda name, *_: Pace(1, 2 if name == "letters" else 9))
    sent = [await letters.send(f"a{nth}@lab.example", link=LINK, site="J") for nth in range(3)]
    assert sent == [True, True, False]
    slow = Slow()
    letters = MailboxLetters(slow, clock)
    waiting = [
        asyncio.create_task(letters.send(f"a{nth}@lab.example", link=LINK, site="J")) for nth in range(4)
    ]
    await asyncio.sleep(0)
    assert await letters.send("b@lab.example", link=LINK, site="J") is False
    slow.free.set()
    assert await asyncio.gather(*waiting) == [True] * 4
    assert await letters.send("b@lab.example", link=LINK, site="J")


@pytest.mark.parametrize(
    "address", ["", "eve", "Eve <eve@lab.example>", "a@b.example\r\nBcc: c@d.example", "é@b.example"]
)
async def test_what_is_no_address_is_not_written_to(address):
    mail = prompt()
    assert await MailboxLetters(mail, HandClock()).send(address, link=LINK, site="J") is False
    assert mail.came == []


async def test_a_real_server_takes_it_or_says_no(post):
    letters = MailboxLetters(SmtpMail(await post.start()), HandClock())
    assert await letters.send("eve@lab.example", link=LINK, site="The Journal")
    ((_, to, made, tls),) = post.letters
    assert (to, tls) == (["eve@lab.example"], True)
    assert LINK in made.get_content()
    assert made["Auto-Submitted"] == "auto-generated"
    assert "abc" not in made["Message-ID"]
    post.refuses["ada@lab.example"] = "550 no such mailbox"
    assert await letters.send("ada@lab.example", link=LINK, site="The Journal") is False
