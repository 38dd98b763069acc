"""`PrivateLinks`: one page a negotiation, and somebody known behind it once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.licenses.bargaining import Accept
from gateway.licenses.negotiation import Negotiation, proposed
from gateway.licenses.private_links import (
    BY_MAIL,
    BY_OPERATOR,
    PrivateLink,
    hashed,
    new_link,
)
from gateway.terms.license_terms import Offer


async def begun(ports, make, id="ne_1"):
    if id == "ne_1":
        await ports.register.add_licensee(*make.enrolled(1))
    offer = Offer("training", "journal", make.TERMS, "sha-256:p")
    blank = Negotiation(id, offer, "le_1", "cl_1", make.NOW)
    await ports.negotiations.put(
        "", proposed(blank, make.TERMS, {}, Accept(make.TERMS), now=make.NOW, patience=1)
    )
    return PrivateLink(hashed(new_link()), id, "cl_1", "eve@lab.example", make.NOW)


async def test_a_page_is_found_by_its_link_and_its_negotiation(ports, make):
    link = await begun(ports, make)
    assert await ports.private_links.add(link)
    assert await ports.private_links.by_link(link.link) == link
    assert await ports.private_links.of("ne_1") == link
    assert await ports.private_links.by_link(hashed("another")) is None
    assert await ports.private_links.of("ne_2") is None
    assert not await ports.private_links.add(replace(link, link=hashed("another"))), "it has a page"
    assert not await ports.private_links.add(replace(link, link=hashed("third"), negotiation="ne_9")), (
        "there is none"
    )
    assert await ports.private_links.of("ne_1") == link


async def test_a_mail_is_answered_once_and_in_time(ports, make):
    link = await begun(ports, make)
    await ports.private_links.add(link)
    assert await ports.private_links.answered("", make.NOW) is None
    assert await ports.private_links.mailed("ne_1", hashed("a"), make.NOW + 10)
    assert await ports.private_links.mailed("ne_1", hashed("b"), make.NOW + 10)
    assert await ports.private_links.answered(hashed("a"), make.NOW) is None, "a later mail was sent"
    assert await ports.private_links.answered(hashed("b"), make.NOW + 10) is None, "too late"
    many = await asyncio.gather(*(ports.private_links.answered(hashed("b"), make.NOW + 9) for _ in range(5)))
    assert sum(each is not None for each in many) == 1
    found = await ports.private_links.of("ne_1")
    assert (found.verified, found.verified_at, found.verified_by) == (True, make.NOW + 9, BY_MAIL)
    assert not await ports.private_links.mailed("ne_9", hashed("c"), make.NOW)


async def test_who_is_known_stays_known_as_before(ports, make):
    link = await begun(ports, make)
    await ports.private_links.add(link)
    first = await ports.private_links.verify("ne_1", BY_OPERATOR, make.NOW + 5)
    assert (first.verified_by, first.verified_at) == (BY_OPERATOR, make.NOW + 5)
    assert await ports.private_links.verify("ne_1", BY_MAIL, make.NOW + 6) == first
    assert await ports.private_links.verify("ne_9", BY_MAIL, make.NOW) is None


def test_links_are_long_and_never_the_same():
    made = {new_link() for _ in range(100)}
    assert len(made) == 100
    assert min(map(len, made)) >= 43
    assert hashed("\ud800") != hashed("")
