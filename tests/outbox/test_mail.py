"""Letters by a real mail server: TLS is verified, a password is told to nobody, and one mailbox holds up no other."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import ssl
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from gateway.event import event
from gateway.outbox.courier import Said
from gateway.outbox.endpoints import Endpoint
from gateway.outbox.events import Happening
from gateway.outbox.letters import Letter, Reader
from gateway.outbox.mail import Letters, Server, SmtpMail, is_mailbox

PASSWORD = "correct-horse-battery"
LETTER = Letter("A deal waits for you: ne_1", "A buyer made a proposal.\nÜnal.\n")


class Post:
    """A mail server that keeps what comes; *refuses* holds replies by recipient."""

    def __init__(self) -> None:
        self.letters, self.refuses, self.logins = [], {}, []

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "data" in self.refuses:
            return self.refuses["data"]
        made = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, made, session.ssl is not None))
        return "250 OK"

    def login(self, server, session, envelope, mechanism, data):
        self.logins.append((mechanism, data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
async def post(certify):
    made = Post()
    certificate = certify("localhost", "127.0.0.1")
    made.authorities = certificate[0]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    loop, servers = asyncio.get_running_loop(), []

    async def start(*, over_tls=False, starttls=True, login=True):
        def protocol():
            return SMTP(
                made, hostname="mail.example", loop=loop, tls_context=tls if starttls else None, require_starttls=starttls,
                auth_required=login, auth_require_tls=starttls, authenticator=made.login if login else None,
            )  # fmt: skip

        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if over_tls else None)
        servers.append(server)
        return Server(
            "localhost" if starttls or over_tls else "127.0.0.1", server.sockets[0].getsockname()[1],
            "tls" if over_tls else "starttls" if starttls else "none", "licet@journal.example",
            "ada" if login else "", PASSWORD if login else "", certificate[0],
        )  # fmt: skip

    made.start = start
    yield made
    for server in servers:
        server.close()


async def test_a_letter_arrives_over_verified_tls_with_an_id_that_stays(post, caplog):
    caplog.set_level(logging.DEBUG)
    server = await post.start()
    mail = SmtpMail(server)
    for _ in range(2):
        outcome = await mail.send(LETTER, "ada@journal.example", "ev_1", 1_795_000_000)
        assert (outcome.said, outcome.status) == (Said.TOLD, 250)
    (sender, to, made, tls), again = post.letters
    assert (sender, to, tls) == ("licet@journal.example", ["ada@journal.example"], True)
    assert made["Subject"] == LETTER.subject
    assert made["Message-ID"] == again[2]["Message-ID"] == "<ev_1@journal.example>"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Date"] == "Wed, 18 Nov 2026 11:06:40 +0000"
    assert made.get_content_type() == "text/plain"
    assert made.get_content().replace("\r\n", "\n") == LETTER.text
    assert post.logins[0][1:] == (b"ada", PASSWORD.encode())
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(server)


async def test_a_server_that_nobody_vouches_for_is_told_neither_letter_nor_password(post):
    server = replace(await post.start(), authorities=None)
    outcome = await SmtpMail(server).send(LETTER, "ada@journal.example", "ev_1", 0)
    assert (outcome.said, outcome.status) == (Said.LATER, 0)
    plain = replace(await post.start(starttls=False, login=False), security="starttls")
    outcome = await SmtpMail(plain).send(LETTER, "ada@journal.example", "ev_1", 0)
    assert outcome.said is Said.LATER, "who offers no TLS is told nothing"
    assert (post.letters, post.logins) == ([], [])


async def test_a_wrong_password_is_a_fault_that_can_be_mended_and_is_not_told(post):
    server = replace(await post.start(), password="wrong-horse")
    outcome = await SmtpMail(server).send(LETTER, "ada@journal.example", "ev_1", 0)
    assert (outcome.said, outcome.status) == (Said.LATER, 535)
    assert "wrong-horse" not in outcome.why


async def test_tls_from_the_first_octet_and_none_on_this_machine(post):
    over_tls = await post.start(over_tls=True, starttls=False, login=False)
    plain = await post.start(starttls=False, login=False)
    for server in (over_tls, plain):
        assert (await SmtpMail(server).send(LETTER, "a@b.example", "ev_1", 0)).said is Said.TOLD
    assert [to for _, to, *_ in post.letters] == [["a@b.example"]] * 2


@pytest.mark.parametrize(
    ("who", "reply", "said", "status"),
    [
        ("ada@journal.example", "550 no such mailbox", Said.NEVER, 550),
        ("ada@journal.example", "450 come back", Said.LATER, 450),
        ("data", "554 looks like advertising", Said.NEVER, 554),
        ("data", "451 the disk is full", Said.LATER, 451),
    ],
)
async def test_what_is_refused_for_good_is_passed_over_and_the_rest_tried_again(
    post, who, reply, said, status
):
    post.refuses[who] = reply
    outcome = await SmtpMail(await post.start()).send(LETTER, "ada@journal.example", "ev_1", 0)
    assert (outcome.said, outcome.status) == (said, status)


async def test_nobody_there(unused_tcp_port):
    server = Server("127.0.0.1", unused_tcp_port, "none", "licet@journal.example")
    outcome = await SmtpMail(server).send(LETTER, "ada@journal.example", "ev_1", 0)
    assert (outcome.said, outcome.status) == (Said.LATER, 0)


def person(reader, tries=0):
    return Endpoint("we_mail", "", "", "", reader, (), 0, tries=tries)


def happened(type, licensee="le_1"):
    body = {"path": "/.licet/negotiations/ne_1"}
    return Happening(1, event(type, at=5, site="journal", licensee=licensee, subject="ne_1", body=body))


async def test_each_is_written_to_about_what_concerns_it(post):
    contacts = {"le_1": "legal@ai.example", "le_2": "call us", "le_3": ""}

    async def contact(licensee):
        return contacts[licensee]

    mail = SmtpMail(await post.start())
    letters = Letters(mail, "ada@journal.example", contact, lambda: {"journal": "https://journal.example"})
    assert (await letters.tell(person(Reader.OPERATOR), happened("negotiation.referred"))).said is Said.TOLD
    assert (await letters.tell(person(Reader.LICENSEE), happened("negotiation.offered"))).said is Said.TOLD
    for licensee in ("le_2", "le_3", ""):
        told = happened("negotiation.offered", licensee)
        assert (await letters.tell(person(Reader.LICENSEE), told)).said is Said.NEVER
    assert (await letters.tell(person(Reader.LICENSEE), happened("negotiation.asked"))).said is Said.NEVER
    (_, first, to_operator, _), (_, second, to_licensee, _) = post.letters
    assert (first, second) == (["ada@journal.example"], ["legal@ai.example"])
    assert "licet deals show ne_1" in to_operator.get_content()
    assert "https://journal.example/.licet/negotiations/ne_1" in to_licensee.get_content()


async def test_a_mailbox_that_is_refused_again_and_again_holds_up_no_other(post):
    async def contact(licensee):
        return f"{licensee}@ai.example"

    letters = Letters(SmtpMail(await post.start()), "", contact, dict)
    post.refuses["le_1@ai.example"] = "450 come back"
    told = happened("negotiation.offered")
    assert (await letters.tell(person(Reader.LICENSEE, tries=5), told)).said is Said.LATER
    assert (await letters.tell(person(Reader.LICENSEE, tries=6), told)).said is Said.NEVER
    down = Letters(SmtpMail(replace(await post.start(), password="no")), "", contact, dict)
    assert (await down.tell(person(Reader.LICENSEE, tries=6), told)).said is Said.LATER, (
        "that is nobody's mailbox"
    )


@pytest.mark.parametrize(
    "text",
    ["", "ada", "ada@", "@b.example", "ada@b", "Ada <ada@b.example>", "a@b.example,c@d.example", "a@b.example\nBcc: c@d.example",
     "a b@c.example", "ä@b.example", "a@b..example", "a" * 65 + "@b.example", "a@" + "b." * 130 + "c"],
)  # fmt: skip
def test_what_is_no_mailbox(text):
    assert not is_mailbox(text)
