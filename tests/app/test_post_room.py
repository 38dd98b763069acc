"""What the settings say of endpoints and letters, and which endpoints there are after it."""

from __future__ import annotations

import pytest

from gateway.app.post_room import PostRoom, mail_of, own_endpoints, secrets_of, webhooks_of
from gateway.config import read_config
from gateway.event import event
from gateway.outbox.courier import Said
from gateway.outbox.endpoints import Endpoint, Reach
from gateway.outbox.letters import Reader, letter_types
from gateway.outbox.webhook import PREFIX
from gateway.problems import ConfigurationError
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events
from gateway.store.sqlite.register import SqliteRegister

TWO = """
[[webhooks]]
url = "https://hooks.journal.example/licet"
types = ["negotiation.*"]
[[webhooks]]
url = "http://127.0.0.1:9/hook"
private = true
"""
MAIL = """
[email]
host = "127.0.0.1"
security = "none"
sender = "licet@journal.example"
operator = "ada@journal.example"
licensees = true
"""


def config(folder, text):
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "licet.toml").write_text(text)
    return read_config(folder)


def mistakes(act, *given):
    with pytest.raises(ConfigurationError) as caught:
        act(*given)
    return {each.key for each in caught.value.mistakes}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[webhooks]]\nurl = "http://hooks.journal.example/"', "webhooks.0.url"),
        ('[[webhooks]]\nurl = "https://HOOKS.example/"', "webhooks.0.url"),
        ('[[webhooks]]\nurl = "https://u@hooks.example/"', "webhooks.0.url"),
        ('[[webhooks]]\nurl = "https://a.example/"\ntypes = ["*"]', "webhooks.0.types"),
        ('[[webhooks]]\nurl = "https://a.example/"\n[[webhooks]]\nurl = "https://a.example/"', "webhooks"),
    ],
)
def test_what_is_no_endpoint_is_named(tmp_path, text, key):
    assert mistakes(own_endpoints, config(tmp_path / "d", text), 5) == {key}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('host = "mail.example"', "email.sender"),
        ('host = "mail.example"\nsender = "Ada <a@b.example>"', "email.sender"),
        (
            'host = "mail.example"\nsender = "a@b.example"\noperator = "a@b.example\\nBcc: c@d.example"',
            "email.operator",
        ),
        ('host = "mail.example"\nsender = "a@b.example"\nsecurity = "none"', "email.security"),
        ('host = "mail.example"\nsender = "a@b.example"\nusername = "a"', "email.password_file"),
        ('host = "mail.example"\nsender = "a@b.example"\nauthorities = "absent.pem"', ""),
    ],
)
def test_what_is_no_mail_server_is_named(tmp_path, text, key):
    assert mistakes(mail_of, config(tmp_path / "d", f"[email]\n{text}")) == {key}


def test_a_password_that_others_may_read_is_refused_and_never_shown(tmp_path):
    text = '[email]\nhost = "mail.example"\nsender = "a@b.example"\nusername = "a"\npassword_file = "smtp"'
    settings = config(tmp_path / "d", text)
    (settings.folder / "smtp").write_text("correct-horse\n")
    (settings.folder / "smtp").chmod(0o644)
    with pytest.raises(ConfigurationError) as caught:
        mail_of(settings)
    assert "chmod 600" in str(caught.value)
    assert "correct-horse" not in str(caught.value)
    (settings.folder / "smtp").chmod(0o600)
    assert mail_of(settings) is not None
    assert mail_of(config(tmp_path / "other", "")) is None


def test_the_root_of_all_secrets_is_made_once_and_is_the_owners_alone(tmp_path):
    settings = config(tmp_path / "d", "")
    first = secrets_of(settings)
    file = settings.keys.parent / "webhooks"
    assert file.stat().st_mode & 0o777 == 0o600
    assert secrets_of(settings).secret("we_1", 1) == first.secret("we_1", 1)
    assert first.secret("we_1", 1).startswith(PREFIX)


@pytest.fixture
async def database(tmp_path):
    made = await Database.open(tmp_path / "licet.db")
    yield made
    await made.close()


async def test_the_operators_endpoints_are_those_of_the_settings_and_hear_what_happens_from_then_on(
    tmp_path, database, clock
):
    def happen(subject):
        told = event("a.b", at=5, site="journal", subject=subject, body={})
        return database.write(lambda db: keep_events(db, (told,)))

    async def opened(text):
        register = SqliteRegister(database)
        room = PostRoom(config(tmp_path / "d", text), database, register, clock, tuple)
        await room.open()
        return room, {each.url: each for each in await room.endpoints.of("", "")}

    await happen("early")
    room, found = await opened(TWO + MAIL)
    last = await room.events.last()
    assert {(each.reach, each.after) for each in found.values()} == {(Reach.ON, last)}
    assert found["https://hooks.journal.example/licet"].types == ("negotiation.*",)
    assert found[Reader.OPERATOR].types == letter_types(Reader.OPERATOR)
    theirs = Endpoint("we_x", "le_1", "journal", "", "https://ai.example/", (), 5)
    await room.endpoints.add(theirs, 9)
    await happen("later")
    room, found = await opened(TWO.replace('"negotiation.*"', '"duty.*"'))
    assert set(found) == {"https://hooks.journal.example/licet", "http://127.0.0.1:9/hook"}
    hook = found["https://hooks.journal.example/licet"]
    assert (hook.types, hook.after) == (("duty.*",), last), "it goes on where it was"
    assert await room.endpoints.get("we_x") == theirs, "a licensee's is no setting"


async def test_a_private_place_is_reached_for_the_operator_alone(tmp_path, clock):
    settings = config(tmp_path / "d", TWO)
    webhooks = webhooks_of(settings, secrets_of(settings), clock)
    own = Endpoint("we_1", "", "", "", "http://127.0.0.1:9/hook", (), 5)
    assert (await webhooks.ping(own)).why.startswith("unreachable")
    theirs = Endpoint("we_2", "le_1", "journal", "", "https://127.0.0.1:9/hook", (), 5)
    outcome = await webhooks.ping(theirs)
    assert (outcome.said, outcome.why[:4]) == (Said.LATER, "url:")
