"""A crawler uses its license up, is told to buy another, and does; on real sockets."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from gateway.billing.statements import Period
from gateway.money import Money

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)


async def test_a_license_that_is_used_up_can_be_bought_again(world) -> None:
    one = await world()
    licensee, client, secret = await one.licensee()
    bought = await one.token(client, secret)
    token = bought["access_token"]
    (granted,) = bought["authorization_details"]
    assert granted["budget"]["fetches"] == 3

    for name in ("tides", "reefs", "knots"):
        # Until it is used up, whoever asks again gets another token of the same license.
        (same,) = (await one.token(client, secret))["authorization_details"]
        assert same["license"] == granted["license"]
        assert (await one.get(f"/essays/{name}", GPTBOT, token=token)).status == 200
    seen = len(one.origin.seen)
    spent = await one.get("/essays/charts", GPTBOT, token=token)
    assert (spent.status, json.loads(await spent.read())["code"]) == (402, "budget-spent")
    assert len(one.origin.seen) == seen

    bought = await one.token(client, secret)
    assert bought["status"] == 200, bought
    (again,) = bought["authorization_details"]
    assert again["license"] != granted["license"]
    assert (again["budget"], again["price"], again["terms"]) == (
        granted["budget"],
        granted["price"],
        granted["terms"],
    )
    got = await one.get("/essays/charts", GPTBOT, token=bought["access_token"])
    assert got.status == 200
    row = await one.folded(got.headers["Licet-Record"])
    assert (row.charged_micros, row.license) == (5_000, again["license"])
    # The license that is used up stays so.
    assert (await one.get("/essays/maps", GPTBOT, token=token)).status == 402

    period = Period.parse(datetime.now(UTC).strftime("%Y-%m"))
    statement = await one.licet.ledger.statement(licensee, "Example AI Labs", period)
    paid = {line.license: line.fetches for line in statement.charges if line.reason == "fetch"}
    assert paid == {granted["license"]: 3, again["license"]: 1}
    (total,) = statement.totals
    assert (total.charged, total.closing) == (Money(20_000, "USD"), Money(10_000_000 - 20_000, "USD"))
