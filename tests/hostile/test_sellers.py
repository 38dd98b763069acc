"""A site that is hostile to a crawler's client: honest answers, each bent in every place, one at a time.

An honest gateway is recorded once; then the client runs against what was
recorded, with one member of one answer changed. Whatever comes, it ends in a
page or a refusal, sends nothing secret elsewhere, and holds to its budget.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.app import Licet
from gateway.cli.books import add_licensee, credit_entry
from gateway.client import Bargain, Fetched, LicensedSession, Refused, Secret, Spending, TakeIt
from gateway.client.caller import Answer, origin_of
from gateway.config import read_config
from gateway.money import Money
from gateway.terms.license_terms import Compensation

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "enforce"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.answers]
uses = ["ai-train"]
works = ["essays"]
price = {{ upfront = "2", per_fetch = "0.01" }}
[offers.answers.position]
target = "0.8"
floor = "0.6"
person_for = []
[contract]
law = "Ireland"
creator = "J"
address = "1"
signatory = "A"
authority = "owner"
[[rules]]
then = {{ license = ["answers"] }}
"""
FACTS = dict.fromkeys(("use_case", "products", "redistribution", "data_protection"), "text") | {
    "model_class": "closed",
    "launch_date": "2027-06-01",
}
PARTY = {"name": "Labs", "address": "2", "signatory": "E", "authority": "CEO"}
EVIL = "https://evil.example/take"
ODD: tuple[Any, ...] = (None, -1, 10**30, 1.5, "", "\x1b[2J", EVIL, [], {}, [[]], True)
SECRET = "the-secret"
BUDGET = Spending(Money(10_000, "USD"), Money(2_020_000, "USD"))


def session(strategy: Any, origin: str, client: str, secret: str) -> LicensedSession:
    return LicensedSession(
        "GPTBot/1.3",
        BUDGET,
        logins=(Secret(origin, client, secret),),
        strategy=strategy,
        owing=Compensation("USD"),
        facts=FACTS,
        party=PARTY,
    )


async def recorded(strategy: Any, tmp_path: Path) -> tuple[str, list[Answer]]:
    """The origin of an honest gateway, and every answer that a client heard there up to the page."""
    server = web.AppRunner(web.Application())
    server.app.router.add_get("/{rest:.*}", _page)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    data = tmp_path / "data"
    (data / "sites").mkdir(parents=True)
    data.chmod(0o700)
    (data / "licet.toml").write_text(
        "[listen]\nport = 0\n[dashboard]\nenabled = false\n[store]\nreserve_mb = 1\n"
    )
    place = f"http://127.0.0.1:{server.addresses[0][1]}"
    (data / "sites" / "journal.toml").write_text(POLICY.format(origin=place))
    licet = Licet(read_config(data))
    try:
        front = (await licet.start()).front
        made = await add_licensee(licet.register, "Labs", now=licet.clock.now_us() // 1_000_000)
        await licet.journal.keep(
            credit_entry(made.licensee.id, Money.read("10 USD"), now_us=licet.clock.now_us())
        )
        await licet.keeper.catch_up()
        heard: list[Answer] = []
        async with session(strategy, front, made.client.id, made.secret) as honest:
            send = honest.caller.send

            async def listening(*sent: Any) -> Any:
                answer = await send(*sent)
                assert isinstance(answer, Answer)
                heard.append(answer)
                return answer

            honest.caller.send = listening  # type: ignore[method-assign]
            got = await honest.fetch(f"{front}/essays/a")
        assert isinstance(got, Fetched), got
        assert got.status == 200
        return front, heard
    finally:
        await licet.stop(1)
        await server.cleanup()


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="words", content_type="text/html")


def bent(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place of a JSON value, and what it holds."""
    yield place, value
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    )
    for name, each in inner:
        yield from bent(each, (*place, name))


def put(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """*value* with *odd* at *place*; the member is taken out where *odd* is `...`."""
    if not place:
        return odd
    made = copy.deepcopy(value)
    at = made
    for name in place[:-1]:
        at = at[name]
    if odd is ...:
        del at[place[-1]]
    else:
        at[place[-1]] = odd
    return made


async def replayed(strategy: Any, front: str, answers: list[Answer]) -> tuple[Any, LicensedSession]:
    """Run a session against *answers*, each given for the request it answered; others get a 404."""
    left = list(answers)
    one = session(strategy, front, "cl_1", SECRET)

    async def answering(method: str, url: str, headers: Any = None, body: Any = None) -> Any:
        if origin_of(url) != front:
            told = f"{headers} {body!r}".lower()
            assert "authorization" not in told
            assert SECRET not in told
        for nth, each in enumerate(left):
            if each.url == url:
                return left.pop(nth)
        return Answer(404, "Not Found", url, (("content-type", "text/plain"),), b"")

    one.caller.send = answering  # type: ignore[method-assign,assignment]
    return await one.fetch(f"{front}/essays/a"), one


@pytest.mark.parametrize(
    "strategy", [TakeIt(), Bargain(limit=1_000_000, rounds=4)], ids=["take-it", "bargain"]
)
async def test_no_answer_bent_in_one_place_does_harm(strategy: Any, tmp_path: Path) -> None:
    front, answers = await recorded(strategy, tmp_path)
    honest, one = await replayed(strategy, front, answers)
    assert isinstance(honest, Fetched), "what was recorded plays to the page"
    spent = one.purse.spent
    assert spent is not None
    tried, odds = 0, cycle((..., *ODD))
    places = [
        (nth, place, held)
        for nth, answer in enumerate(answers)
        if answer.json
        for place, held in bent(answer.json)
    ]
    # Of the many places of a negotiation every so many, with other values each: all of them meet every kind of place.
    for nth, place, held in places[:: max(1, len(places) // 500)]:
        answer = answers[nth]
        for odd in islice(odds, 2):
            if (odd is not ... or place) and not (type(odd) is type(held) and odd == held):
                changed = put(answer.json, place, odd)
                wrong = Answer(
                    answer.status, answer.reason, answer.url, answer.headers, json.dumps(changed).encode()
                )
                got, one = await replayed(strategy, front, [*answers[:nth], wrong, *answers[nth + 1 :]])
                tried += 1
                assert isinstance(got, Fetched | Refused), (place, odd)
                assert one.purse.spent is not None
                assert 0 <= one.purse.spent.micros <= BUDGET.per_run.micros, (place, odd)  # type: ignore[union-attr]
                if isinstance(got, Refused):
                    assert str(got).isprintable(), (place, odd)
    assert tried > 500
