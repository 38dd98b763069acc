"""What crosses between worker and office comes out as it went in, and the answers are the port's own."""

from __future__ import annotations

import orjson
import pytest

from gateway.admission.spending import Charge, Short
from gateway.admission.till import PaidUnit
from gateway.app.calls import ACCOUNTS, AUDIENCE, PAID, REVOKED, SPEND_BOOK
from gateway.licenses.accounts import Account
from gateway.licenses.license import Standing
from gateway.licenses.revocations import Revocations
from gateway.money import Money
from gateway.provenance.audience import AudienceRow
from gateway.tokens.claims import Budget

USD = Money(5_000, "USD")
CHARGE = Charge("r1", "le_1", "li_1", USD, Budget(None, 3))


async def crossed(crossing, given, gives):
    """Send *given* as octets to a port that gives *gives*; returns what it was given, and what came back."""
    seen = []

    async def port(*arguments):
        seen.append(arguments)
        return gives

    async def call(sent):
        answer = await crossing.answer(port, orjson.loads(orjson.dumps(sent)))
        return orjson.loads(orjson.dumps(answer))

    return seen, await crossing.ask(call, *given)


@pytest.mark.parametrize(
    ("method", "given", "gives"),
    [
        ("lease", ("w1-b", CHARGE, 7), 5),
        ("lease", ("w1-b", CHARGE, 7), Short("budget", Money(-1, "EUR"))),
        ("lease", ("w1-b", CHARGE._replace(due=USD, purse=False), 1), 1),
        ("affords", ("le_1", USD), False),
        ("give_back", ("w1-b", "li_1", USD, 2), None),
        ("exhausted", ("li_1", USD, Budget(1, None)), True),
        ("available", ("le_1", "USD"), USD),
        ("balances", ("le_1",), (USD, Money(-1, "EUR"))),
    ],
)
async def test_every_call_of_the_spend_book(method, given, gives):
    assert await crossed(SPEND_BOOK[method], given, gives) == ([given], gives)


@pytest.mark.parametrize("found", [None, Account("le_1", Standing.SUSPENDED, (USD, Money(7, "EUR")))])
async def test_whose_account_it_is(found):
    assert await crossed(ACCOUNTS["by_agent"], ("https://bot.example",), found) == (
        [("https://bot.example",)],
        found,
    )


async def test_totals_of_people():
    rows = (AudienceRow(3600, "journal", "/essays/", 200, "ChatGPT", 2),)
    assert await crossed(AUDIENCE["add"], (rows,), None) == ([(rows,)], None)


def test_news():
    for kind, value in (
        (PAID, (PaidUnit("k", 7),)),
        (REVOKED, Revocations(frozenset({"t"}), frozenset({"l"}), (("holder", 7),))),
    ):
        sent = orjson.loads(orjson.dumps(kind.dump_python(value, mode="json")))
        assert kind.validate_python(sent) == value
