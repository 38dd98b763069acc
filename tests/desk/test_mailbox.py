"""A mailbox proves who negotiates: once, in time, and by a button."""

from __future__ import annotations

import pytest

from gateway.desk.in_person import Verifying
from gateway.licenses.private_links import BY_MAIL, hashed
from tests.desk.test_buying import Person, forms, spelled


class Post:
    """Takes mails over while it *works*, and keeps them."""

    def __init__(self):
        self.mails, self.works = [], True

    async def send(self, address, *, link, site):
        if self.works:
            self.mails.append((address, link, site))
        return self.works


@pytest.fixture
async def person(world):
    world.verifying = Post()
    await world.reopen()
    return Person(world)


def test_the_seam_is_what_a_post_does():
    post: Verifying = Post()
    assert post


async def test_a_mail_is_sent_and_its_button_makes_the_buyer_known(person):
    await person.begin()
    ((address, link, site),) = person.world.verifying.mails
    found = await person.negotiation()
    assert (address, site) == ("eve@lab.example", "The <Journal>")
    assert "A link was sent to eve@lab.example" in spelled(person.text)
    path = link.removeprefix(person.world.origin)
    token = path.rsplit("/", 1)[1]
    kept = await person.world.links.of(found.id)
    assert kept.mail == hashed(token)
    assert token not in repr(kept)
    base = person.base
    await person.go(path)
    assert (await person.world.links.of(found.id)).verified is False, "following a link does nothing"
    await person.send(token, path)
    assert "It is known now who you are" in person.text
    kept = await person.world.links.of(found.id)
    assert (kept.verified, kept.verified_by) == (True, BY_MAIL)
    await person.go(base)
    assert "you answered a mail" in person.text
    await person.go(path)
    await person.send(token, path)
    assert person.status == 404


async def test_a_later_mail_ends_the_one_before_and_a_day_ends_both(person):
    await person.begin()
    base = person.base
    await person.send("mail")
    assert "A mail is on its way." in person.text
    first, second = (mail[1].removeprefix(person.world.origin) for mail in person.world.verifying.mails)
    for path, status in ((first, 404), (second, 404)):
        if path == second:
            person.world.clock.advance(86_400)
        await person.go(path)
        await person.send(path.rsplit("/", 1)[1], path)
        assert person.status == status
        assert "older than a day" in person.text
    await person.go(base)
    assert "A link was sent to" in spelled(person.text)


async def test_a_mail_that_nobody_took_is_said_not_to_be_sent(person):
    person.world.verifying.works = False
    await person.begin()
    assert "No link could be sent to eve@lab.example yet" in spelled(person.text)
    await person.send("mail")
    assert "No mail could be sent just now." in person.text
    found = await person.negotiation()
    assert (await person.world.links.of(found.id)).mail == ""
    person.world.verifying.works = True
    await person.send("mail")
    assert "A link was sent to eve@lab.example" in spelled(person.text)
    person.world.verifying.works = False
    await person.send("mail")
    path = person.world.verifying.mails[0][1].removeprefix(person.world.origin)
    await person.go(path)
    await person.send(path.rsplit("/", 1)[1], path)
    assert "It is known now" in person.text, "a mail that was not sent ends none that was"


async def test_a_form_of_another_site_proves_nothing(person):
    await person.begin()
    path = person.world.verifying.mails[0][1].removeprefix(person.world.origin)
    found = await person.negotiation()
    await person.go(path)
    token = path.rsplit("/", 1)[1]
    await person.send(token, path, site="cross-site")
    assert person.status == 400
    await person.go(path)
    await person.send(token, path, form="x.1.y")
    assert person.status == 400
    assert not (await person.world.links.of(found.id)).verified
    assert forms(person.text)
