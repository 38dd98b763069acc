"""A running gateway: a command bills beside it, the licensee reads and disputes at the desk, a command answers."""

from __future__ import annotations

import time

import aiohttp

from gateway.cli.books import open_books
from gateway.provenance.record import BookEntry

LAST_MONTH = time.strftime("%Y-%m", time.gmtime(time.time() - 32 * 86_400))


async def test_bills_beside_a_running_gateway(licet, origin, http):
    data = licet.write_site(origin.url)
    with (data / "licet.toml").open("a") as file:
        file.write('[billing]\nmode = "test"\nname = "Tide Press"\naddress = "1 Road"\n')
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--json")).json
    then = int(time.time() - 32 * 86_400) * 1_000_000
    async with open_books(data) as books:
        await books.write(
            BookEntry("share", then, "due", "journal", made["licensee"], 2_000_000, "USD", license="lic_1")
        )
    (bill,) = (await licet("invoices", "issue", made["licensee"], "--period", LAST_MONTH, "--json")).json
    assert bill["number"] == "TEST-S000001"
    headers = {"Authorization": aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])}
    base = f"{one.front}/.licet"
    async with http.get(f"{base}/statements/{LAST_MONTH}", headers=headers) as answer:
        told = await answer.json()
    assert (told["mode"], bool(told["closed"]), told["totals"][0]["left_to_pay_micros"]) == (
        "test",
        True,
        2_000_000,
    )
    async with http.get(
        f"{base}/invoices/{bill['id']}", headers={**headers, "Accept": "text/html"}
    ) as answer:
        page = await answer.text()
    assert "TEST: Statement TEST-S000001" in page
    wish = {"line": 1, "amount": "0.5", "reason": "late"}
    async with http.post(f"{base}/invoices/{bill['id']}/disputes", json=wish, headers=headers) as answer:
        dispute = (await answer.json())["dispute"]
        assert answer.status == 201
    done = (await licet("disputes", "accept", dispute, "--answer", "yes", "--json")).json
    async with http.get(f"{base}/invoices/{done['credit_note']}.json", headers=headers) as answer:
        note = await answer.json()
    assert (note["number"], note["total"]) == ("TEST-C000001", "0.5 USD")
    await one.stop()
    assert (await licet("reconcile", "--json")).json["good"] is True
    assert (await licet("journal", "audit", "--json")).json["good"] is True
