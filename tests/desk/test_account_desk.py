"""A licensee's account: all of it in one place, changed by its owner alone, and nothing of anybody else."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from dataclasses import replace
from html import unescape

import aiohttp
import orjson
import pytest

from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Standing
from gateway.licenses.position import Position
from gateway.policy.rules import Signing
from gateway.provenance.record import BookEntry, FetchRecord
from tests.desk.test_billing import get
from tests.desk.test_invoices import billed, send

__all__ = ["billed"]
ACCOUNT = "/.licet/account"
HOSTILE = '=cmd|"<script>alert(1)</script>'


def fetched(world, made, nth, license="lic_1", micros=20_000, **changes):
    record = FetchRecord(
        id=f"rec-{nth:04}", time_us=world.clock.now_us() - nth * 60_000_000, duration_us=9, site="journal",
        host="journal.example", method="GET", path=f"/essays/{nth}", visitor_class="ai", identity="verified",
        identity_method="signature", verdict="license", rule="rules[0]", policy="sha-256:policy", mode="enforce",
        outcome="licensed", status=200, bytes_sent=10, ended="complete", detail="0" * 64, crawler="examplebot",
        licensee=made.licensee.id, license=license, currency="USD", price_micros=micros, charged_micros=micros,
        charge_reason="fetch",
    )  # fmt: skip
    return replace(record, **changes)


@pytest.fixture
async def busy(world):
    """Somebody with a license, 120 fetches under it and a memo that is hostile; and somebody else with the same."""
    made, other = await world.licensee(), await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    license = body["authorization_details"][0]["license"]
    await asyncio.gather(*(world.kept.journal.keep(fetched(world, made, nth, license)) for nth in range(120)))
    await world.kept.journal.keep(fetched(world, other, 5000))
    due = BookEntry("hostile", world.clock.now_us(), "due", "journal", made.licensee.id, 5, "USD", license="lic_1", memo=HOSTILE)  # fmt: skip
    await world.kept.journal.keep(due)
    await world.kept.keeper.catch_up()
    return made, other, license


def mark_of(page):
    return re.search(r'name="form" value="([0-9a-f]{64})"', page)[1]


async def told(world, made, path=ACCOUNT):
    status, octets, _ = await get(world, path, made)
    assert status == 200, octets
    return orjson.loads(octets)


async def put(world, made, path, body):
    headers = {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}
    async with world.http.put(world.origin + path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_whole_account_is_one_document_and_one_page(world, busy):
    made, _, license = busy
    found = await told(world, made)
    (row,) = found["licenses"]
    assert row["license"] == license
    assert row["spent"] == {"micros": 120 * 20_000, "fetches": 120}
    assert row["left"]["fetches"] == 1000 - 120
    assert row["days_left"] == 30
    assert found["billed_to"]["asked"] == ["name", "address"]
    assert [each["client_id"] for each in found["clients"]] == [made.client.id]
    assert found["balances"][0]["amount"] == "7.6"
    status, octets, answer = await get(world, ACCOUNT, made, "text/html")
    page = octets.decode()
    assert status == 200
    for word in (
        "7.6",
        license,
        "880 of 1000 fetches",
        "/.licet/receipts/rec-0000",
        "Fill it in",
        "&lt;script&gt;",
    ):
        assert word in page, word
    assert "<script" not in page
    assert made.secret not in page
    assert 'data-name="Kind">fell due<' in page
    assert page.count('data-name="Amount" class="right">0.02 USD<') == 8, "none is cut off or raw"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


async def negotiated(world, made):
    """A license of *made* that was negotiated, with its contract."""
    world.positions["answers"] = Position()
    world.policy = replace(world.policy, signing=Signing("Ireland"))
    sent = {"headers": {"Content-Type": "application/json"}}
    answer = await world.post("/.licet/negotiations", made, b'{"offer": "answers"}', **sent)
    found = await answer.json()
    sent["headers"]["If-Match"] = answer.headers["ETag"]
    body = orjson.dumps({name: found["accept"][name] for name in ("terms_hash", "assent")})
    answer = await world.post(f"/.licet/negotiations/{found['id']}/acceptance", made, body, **sent)
    assert answer.status < 300, await answer.text()
    return (await answer.json())["license"]


async def test_every_link_of_the_account_leads_somewhere(world, busy):
    made, _, bought = busy
    signed = await negotiated(world, made)
    found = {each["license"]: each for each in (await told(world, made))["licenses"]}
    assert found[signed]["contract"] == f"/.licet/contracts/{signed}?version=1"
    assert found[signed]["published_terms"] is None
    assert found[bought]["contract"] is None
    assert re.fullmatch(r"/\.licet/terms/[0-9a-f]{64}", found[bought]["published_terms"])
    page = (await get(world, ACCOUNT, made, "text/html"))[1].decode()
    links = {unescape(each) for each in re.findall(r'href="([^"]+)"', page)}
    ours = {each for each in links if each.startswith("/")} | {
        each.removeprefix(world.origin) for each in links if each.startswith(world.origin)
    }
    assert {found[signed]["contract"], found[bought]["published_terms"], found[bought]["agreement"]} < ours
    await world.log.sign_news()
    for path in sorted(ours):
        assert (await get(world, path, made, "text/html"))[0] == 200, path


async def test_what_is_set_aside_stands_beside_what_is_free(world, busy):
    made, _, license = busy
    from gateway.admission.spending import Charge
    from gateway.money import Money
    from gateway.tokens.claims import Budget

    charge = Charge("r", made.licensee.id, license, Money(20_000, "USD"), Budget(fetches=1000))
    assert await world.book.store.lease("front-" + "0" * 24, charge, 5) == 5
    found = await told(world, made)
    assert found["holds"] == [{"amount": "0.1", "currency": "USD", "micros": 100_000}]
    assert found["balances"][0]["amount"] == "7.5"
    assert found["licenses"][0]["held"] == {"micros": 100_000, "fetches": 5}
    assert found["licenses"][0]["left"]["fetches"] == 875


async def test_charges_page_by_page_as_json_csv_and_page_are_the_same_rows(world, busy):
    made, _, _ = busy
    at, ids = f"{ACCOUNT}/charges?limit=50", []
    while at:
        found = await told(world, made, at)
        ids += [each["id"] for each in found["charges"]]
        at = (found["next"] or "").removeprefix(world.origin)
    assert len(ids) == len(set(ids)) == 122
    _, octets, answer = await get(world, f"{ACCOUNT}/charges.csv", made)
    lines = octets.decode().splitlines()
    assert answer.content_type == "text/csv"
    assert [line.split(",")[0] for line in lines[1:]] == ids
    assert "'=cmd|" in octets.decode(), "a spreadsheet must not run it"
    first = await told(world, made, f"{ACCOUNT}/charges?limit=3&license=lic_1")
    assert [each["id"] for each in first["charges"]] == ["hostile"]
    page = (await get(world, f"{ACCOUNT}/charges?limit=7", made, "text/html"))[1].decode()
    own = re.search(r'href="([^"]*charges\.csv\?[^"]*)"', page)[1].replace("&amp;", "&")
    shown = re.findall(r'href="/\.licet/account/charges/([^"]+)"', page)
    rows = (await get(world, own, made))[1].decode().splitlines()[1:]
    assert [line.split(",")[0] for line in rows] == shown == ids[:7]
    following = re.search(r'href="([^"]*after=[^"]*)"', page)[1].replace("&amp;", "&")
    second = (await get(world, following, made, "text/html"))[1].decode()
    assert re.findall(r'href="/\.licet/account/charges/([^"]+)"', second) == ids[7:14]


async def test_one_charge_tells_how_it_came_about(world, busy):
    made, _, license = busy
    row = await told(world, made, f"{ACCOUNT}/charges/rec-0003")
    assert (row["path"], row["license"], row["rule"], row["amount"]) == (
        "/essays/3",
        license,
        "rules[0]",
        "0.02",
    )
    page = (await get(world, f"{ACCOUNT}/charges/rec-0003", made, "text/html"))[1].decode()
    for word in ("rule 1", "sha-256:policy", "/.licet/receipts/rec-0003", "journal.example/essays/3"):
        assert word in page


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=1001", "from=yesterday", "to=2026-13-01", "after=1", "after=x-y", "after=9-9-9"]
)  # fmt: skip
async def test_a_view_that_is_none_is_refused_by_its_member(world, busy, query):
    made, _, _ = busy
    status, octets, _ = await get(world, f"{ACCOUNT}/charges?{query}", made)
    assert status == 400
    assert orjson.loads(octets)["member"] == query.partition("=")[0]


async def test_nobody_sees_or_changes_anything_of_anybody_else(world, busy, billed):
    made, other, license = busy
    somebody, invoice = billed
    ids = {
        made.licensee.id, made.client.id, license, "rec-0003", "hostile", somebody.licensee.id, somebody.client.id, invoice.id,
    }  # fmt: skip
    for path in (
        ACCOUNT, f"{ACCOUNT}/charges?limit=1000", f"{ACCOUNT}/charges?license={license}", f"{ACCOUNT}/clients",
        f"{ACCOUNT}/spend-limit", f"{ACCOUNT}/billed-to", f"{ACCOUNT}/charges.csv",
    ):  # fmt: skip
        for accept in ("application/json", "text/html"):
            status, octets, _ = await get(world, path, other, accept)
            assert status == 200, path
            # The view repeats what was asked for in its own form, and tells nothing about it.
            text = octets.decode().replace(f'value="{license}"', "").replace(f"license={license}", "")
            assert not [id for id in ids if id in text], path
    status, octets, _ = await get(world, f"{ACCOUNT}/export.zip", other)
    with zipfile.ZipFile(io.BytesIO(octets)) as packed:
        text = "".join(packed.read(name).decode() for name in packed.namelist())
    assert "rec-5000" in text
    assert not [id for id in ids if id in text]
    for path in (f"{ACCOUNT}/charges/rec-0003", f"{ACCOUNT}/charges/hostile"):
        assert (await get(world, path, other))[0] == 404
    for act in ("secret", "revocation"):
        status, _, _ = await send(world, f"{ACCOUNT}/clients/{made.client.id}/{act}", other, json={})
        assert status == 404
    assert (await get(world, ACCOUNT, made))[0] == 200, "and its secret is still good"
    # A form's mark of one licensee is none of another's.
    mark = mark_of((await get(world, ACCOUNT, other, "text/html"))[1].decode())
    for path, more in (
        ("spend-limit", {"currency": "USD", "limit": "1"}),
        ("billed-to", {"name": "x", "address": "y"}),
    ):
        status, _, _ = await send(world, f"{ACCOUNT}/{path}", made, {"form": mark, **more})
        assert status == 400
    assert (await told(world, made))["spend_limits"] == []


async def test_without_a_login_there_is_nothing(world, busy):
    for path in (
        "",
        "/charges",
        "/charges.csv",
        "/charges/rec-0003",
        "/spend-limit",
        "/billed-to",
        "/clients",
        "/export.zip",
    ):
        assert (await get(world, ACCOUNT + path))[0] == 401, path
    for path in ("/spend-limit", "/billed-to", "/clients/x/secret", "/clients/x/revocation"):
        answer = await world.post(ACCOUNT + path, None, {"form": "x"})
        assert answer.status == 401, path


async def test_a_licensee_sets_its_own_limit_and_the_next_lease_heeds_it(world, busy):
    made, _, license = busy
    status, found = await put(world, made, f"{ACCOUNT}/spend-limit", {"currency": "USD", "limit": "2.41"})
    assert (status, found["spend_limits"]) == (
        200, [{"currency": "USD", "limit": "2.41", "spent": "2.4", "left": "0.01"}],
    )  # fmt: skip
    from gateway.admission.spending import Charge, Short
    from gateway.money import Money
    from gateway.tokens.claims import Budget

    charge = Charge("r", made.licensee.id, license, Money(20_000, "USD"), Budget())
    assert await world.book.store.lease("front-" + "0" * 24, charge, 5) == Short(
        "limit", Money(10_000, "USD")
    )
    assert (await told(world, made))["spend_limits"][0]["left"]["amount"] == "0.01"
    # What is due at signing is spent too.
    await world.pay_in(made, "900")
    status, body = await world.token(made, {"offer": "archive"})
    assert status == 402
    assert "set for itself" in orjson.dumps(body).decode()
    status, found = await put(world, made, f"{ACCOUNT}/spend-limit", {"currency": "USD", "limit": None})
    assert (status, found) == (200, {"spend_limits": []})
    assert (await world.token(made, {"offer": "archive"}))[0] == 200
    for bad in (
        {"currency": "usd", "limit": "1"},
        {"currency": "USD", "limit": "-1"},
        {"currency": "USD", "limit": 5},
    ):
        status, found = await put(world, made, f"{ACCOUNT}/spend-limit", bad)
        assert (status, found["member"]) == (400, "limit")


async def test_forms_change_the_same_and_lose_nothing_that_was_typed(world, busy):
    made, _, _ = busy
    page = (await get(world, ACCOUNT, made, "text/html"))[1].decode()
    mark = mark_of(page)
    status, _, answer = await send(world, f"{ACCOUNT}/spend-limit", made, {"form": mark, "currency": "USD", "limit": "a lot"}, accept="text/html")  # fmt: skip
    assert status == 400
    text = await answer.text()
    assert 'value="a lot" aria-invalid="true"' in text
    assert "Nothing that you typed was lost" in text
    headers = {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}
    async with world.http.post(
        f"{world.origin}{ACCOUNT}/spend-limit", data={"form": mark, "currency": "USD", "limit": "5"}, headers=headers,
        allow_redirects=False,
    ) as answer:  # fmt: skip
        assert (answer.status, answer.headers["Location"]) == (303, f"{ACCOUNT}#spend-limit")
    assert (await told(world, made))["spend_limits"][0]["limit"]["amount"] == "5"
    status, text, _ = await send(world, f"{ACCOUNT}/billed-to", made, {"form": mark, "name": HOSTILE, "address": " "}, accept="text/html")  # fmt: skip
    assert status == 400
    assert "&lt;script&gt;" in text
    await send(world, f"{ACCOUNT}/billed-to", made, {"form": mark, "name": "Example AI GmbH", "address": "2 Data St\r\nMetro", "tax_id": "DE1"}, accept="text/html")  # fmt: skip
    assert (await told(world, made))["billed_to"] == {
        "name": "Example AI GmbH", "address": "2 Data St\nMetro", "tax_id": "DE1", "asked": [],
    }  # fmt: skip
    status, _, _ = await send(world, f"{ACCOUNT}/billed-to", made, {"name": "x", "address": "y"})
    assert status == 400, "a form without the mark"


async def test_who_is_billed_keeps_the_operators_tax_rule(world, busy):
    made, _, _ = busy
    from gateway.billing.billing_rules import Party

    documents = world.billing.issuer.documents
    await documents.name_party(made.licensee.id, Party(tax="reverse"))
    await put(world, made, f"{ACCOUNT}/billed-to", {"name": "A", "address": "B", "tax": "none"})
    party = await documents.party(made.licensee.id)
    assert (party.name, party.address, party.tax) == ("A", "B", "reverse")


async def test_clients_are_rotated_and_revoked_but_never_the_last(world, busy):
    made, _, _ = busy
    status, text, _ = await send(world, f"{ACCOUNT}/clients/{made.client.id}/secret", made, json={})
    fresh = orjson.loads(text)["client_secret"]
    assert status == 200
    assert fresh != made.secret
    assert (await get(world, ACCOUNT, replace(made, secret=fresh)))[0] == 200
    assert (await get(world, ACCOUNT, made))[0] == 200, "the one before it is good for a day"
    world.clock.advance(86_401)
    assert (await get(world, ACCOUNT, made))[0] == 401
    made = replace(made, secret=fresh)
    at = f"{ACCOUNT}/clients/{made.client.id}/revocation"
    status, text, _ = await send(world, at, made, json={})
    assert (status, orjson.loads(text)["code"]) == (400, "form-invalid")
    second = enroll("second", now=world.now, standing=Standing.ACTIVE)
    other = replace(second.client, licensee=made.licensee.id)
    world.register.store._clients[other.id] = other
    page = (await get(world, ACCOUNT, made, "text/html"))[1].decode()
    assert f"/clients/{other.id}/revocation" in page
    assert (await send(world, f"{ACCOUNT}/clients/{other.id}/revocation", made, json={}))[0] == 204
    assert [each["client_id"] for each in (await told(world, made, f"{ACCOUNT}/clients"))["clients"]] == [
        made.client.id
    ]
    assert "sha256" not in orjson.dumps(await told(world, made)).decode()


async def test_the_archive_holds_everything_and_no_secret(world, busy):
    made, _, license = busy
    status, octets, answer = await get(world, f"{ACCOUNT}/export.zip", made)
    assert (status, answer.content_type) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(octets)) as packed:
        names = set(packed.namelist())
        rows = [orjson.loads(line) for line in packed.read("charges.jsonl").splitlines()]
        table = packed.read("charges.csv").decode().splitlines()
        whole = orjson.loads(packed.read("account.json"))
        text = "".join(packed.read(name).decode() for name in names)
    assert {
        "account.json",
        "licenses.json",
        "invoices.json",
        "disputes.json",
        "clients.json",
        "README.txt",
    } < names
    assert len(rows) == len(table) - 1 == 122
    assert whole["licenses"][0]["license"] == license
    assert made.secret not in text
    assert "122 charges and payments" in text


async def test_a_page_of_a_bill_of_ones_own_is_linked(world, billed):
    made, invoice = billed
    page = (await get(world, ACCOUNT, made, "text/html"))[1].decode()
    assert f'href="/.licet/invoices/{invoice.id}"' in page
    assert re.search(r'href="/\.licet/statements/\d{4}-\d{2}"', page)
