"""`Consents`: an author is asked once about a work, each answer is on what stands there."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.licenses.consent import Answer, Consent, answered, secret_digest, told
from gateway.uses import Use


def asked(make, id="co_1", author="Ada", work="essays", site="journal"):
    return Consent(id, site, work, author, 500_000, secret_digest(id), make.NOW, representative=True)


async def test_an_author_is_asked_once_about_a_work(ports, make):
    one = asked(make)
    assert await ports.consents.add(one, events=[told(one, make.NOW)])
    assert not await ports.consents.add(asked(make, "co_2"), events=[told(asked(make, "co_2"), make.NOW)])
    assert not await ports.consents.add(replace(asked(make, "co_3", "Bob"), secret_sha256=one.secret_sha256))
    assert await ports.consents.add(asked(make, "co_4", work="notes"))
    assert await ports.consents.add(asked(make, "co_5", site="other"))
    assert await ports.consents.by_secret(secret_digest("co_1")) == one
    assert await ports.consents.by_secret(secret_digest("co_2")) is None
    assert await ports.happened() == ["consent.asked"]


async def test_they_are_listed_by_work(ports, make):
    one, two, three = asked(make), asked(make, "co_2", "Bob"), asked(make, "co_3", work="a")
    for each in (two, one, three):
        await ports.consents.add(each)
    assert await ports.consents.of_work("journal", "essays") == (one, two)
    assert await ports.consents.of_work("journal", "none") == ()
    assert await ports.consents.all(9) == (three, one, two)
    assert await ports.consents.all(1) == (three,)
    assert await ports.consents.all(9, three.id) == (one, two)
    assert await ports.consents.all(1, one.id) == (two,)
    assert await ports.consents.all(9, two.id) == await ports.consents.all(9, "co_9") == ()


async def test_of_many_answers_at_once_one_is_kept(ports, make):
    one = asked(make)
    await ports.consents.add(one)
    said = [answered(one, {Use.AI_INPUT: Answer.CONSENT}, make.NOW + n) for n in range(12)]
    kept = await asyncio.gather(
        *(ports.consents.change(each, events=[told(each, make.NOW)]) for each in said)
    )
    assert kept.count(True) == 1
    assert await ports.consents.of_work("journal", "essays") == (said[kept.index(True)],)
    assert await ports.happened() == ["consent.given"]


async def test_whoever_is_asked_no_more_is_gone(ports, make):
    one = asked(make)
    await ports.consents.add(one)
    assert await ports.consents.remove("co_1") == one
    assert await ports.consents.remove("co_1") is None
    assert await ports.consents.by_secret(one.secret_sha256) is None
    assert not await ports.consents.change(answered(one, {Use.AI_INPUT: Answer.CONSENT}, make.NOW))
    assert await ports.consents.add(one)
