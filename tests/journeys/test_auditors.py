"""An auditor's access to evidence: what is in its scope and nothing else, until it ends; and who looked is known."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from contextlib import closing
from datetime import UTC, datetime

import apsw
import pytest

MONTH = datetime.now(UTC).strftime("%Y-%m")


@pytest.fixture
async def audited(licet, origin, sell):
    """A gateway that sold and served, and ways to ask it as an auditor."""
    licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)

    async def invite(*scope, period=MONTH):
        made = await licet("auditors", "add", "Ada & Partners", "--period", period, *scope, "--json")
        return made.json

    return licet, one, sold, invite


async def ask(http, one, path, secret=""):
    """Status, body and content type; what the log does not hold yet is waited for."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with asyncio.timeout(20):
        while True:
            async with http.get(f"{one.front}/.licet/audit{path}", headers=headers) as answer:
                body = await answer.read()
                if answer.status != 404 or "Retry-After" not in answer.headers:
                    return answer.status, body, answer
            await asyncio.sleep(0.1)


async def test_a_scope_is_fetched_and_holds_offline(audited, http, tmp_path):
    licet, one, sold, invite = audited
    made = await invite("--licensee", sold.licensee)
    status, body, answer = await ask(http, one, f"/bundles/{sold.licensee}/{MONTH}", made["secret"])
    assert (status, answer.content_type, answer.headers["Cache-Control"]) == (
        200,
        "application/zip",
        "no-store",
    )
    (licet.folder / "fetched.zip").write_bytes(body)
    async with http.get(f"{one.front}/.licet/log/key") as told:
        key = (await told.text()).strip()
    _, receipt, _ = await ask(http, one, f"/receipts/{sold.records[0]}", made["secret"])
    (licet.folder / "one.json").write_bytes(receipt)
    _, proof, _ = await ask(http, one, f"/receipts/{sold.records[1]}.tlog-proof", made["secret"])
    (licet.folder / "two.tlog-proof").write_bytes(proof)
    _, scope, _ = await ask(http, one, "", made["secret"])
    assert f"/.licet/audit/bundles/{sold.licensee}/".encode() in scope
    await one.stop()

    found = (await licet("audit", "fetched.zip", "--key", key, "--json")).json
    assert (found["good"], found["faults"], found["checked"]["records"]) == (True, [], 3)
    assert found["checked"]["statements"] == 1
    for name in ("one.json", "two.tlog-proof"):
        assert (await licet("receipt", "verify", name, "--key", key)).out.startswith("proven   record ")

    # The same month for other programs, from the operator.
    scope = ("--licensee", sold.licensee, "--period", MONTH)
    rows = list(
        csv.DictReader(io.StringIO((await licet("journal", "export", "--format", "csv", *scope)).out))
    )
    assert [row["kind"] for row in rows] == ["book", "fetch", "fetch"]
    assert {row["id"] for row in rows} >= set(sold.records)
    told = (await licet("journal", "export", "--format", "prov", *scope)).json
    assert f"licet:fetch/{sold.records[0]}" in told["activity"]
    described = (await licet("journal", "export", "--format", "dps", *scope, "--country", "Ireland")).json
    assert len(described["source"]["id"]["hashes"]) == 2
    assert "Ireland" in str(described["provenance"])
    await licet("journal", "export", "--format", "parquet", "--out", "all.parquet")
    told = (await licet("journal", "check", "all.parquet", "--json")).json
    assert (told["good"], told["entries"]) == (True, 6)
    (licet.folder / "none.parquet").write_bytes(b"PAR1")
    assert "cannot be read" in (await licet("journal", "check", "none.parquet", code=1)).err
    log = licet.folder / "licet-data" / "log"
    bundle = next((log / "tile" / "entries" / "000.p").glob((log / "checkpoint").read_text().split("\n")[1]))
    bundle.write_bytes(bundle.read_bytes().replace(b'"v":1', b'"v":2', 1))
    assert "WRONG    the log: " in (await licet("journal", "check", "all.parquet", code=1)).out
    assert "names the file" in (await licet("journal", "export", "--format", "parquet", code=2)).err
    assert "--country" in (await licet("journal", "export", "--format", "dps", *scope, code=2)).err

    looks = (await licet("auditors", "looks", made["id"], "--json")).json
    assert [(each["what"], each["came"]) for each in reversed(looks) if each["came"] == "given"] == [
        (f"bundle {sold.licensee}/{MONTH}", "given"),
        (f"receipt {sold.records[0]}", "given"),
        (f"receipt {sold.records[1]}.tlog-proof", "given"),
        ("scope", "given"),
    ]


async def test_a_bundle_of_one_site_holds_and_has_no_statement(audited, http):
    licet, one, sold, invite = audited
    made = await invite("--site", "journal")
    status, body, _ = await ask(http, one, f"/bundles/{sold.licensee}/{MONTH}", made["secret"])
    assert status == 200
    (licet.folder / "site.zip").write_bytes(body)
    found = (await licet("audit", "site.zip", "--json")).json
    assert (found["good"], found["faults"], found["about"]["site"]) == (True, [], "journal")
    # What was paid in is of no site.
    assert found["checked"]["records"] == 2
    with zipfile.ZipFile(licet.folder / "site.zip") as opened:
        assert not [name for name in opened.namelist() if "statement" in name]


async def test_what_is_outside_or_over_is_refused_by_name_and_kept(audited, http):
    licet, one, sold, invite = audited
    other = (await licet("licensee", "add", "Other AI", "--credit", "1 USD", "--json")).json
    past, mine, of_other, elsewhere = [
        await invite(*scope, period=period)
        for scope, period in (
            (("--licensee", sold.licensee), "2020-01..2020-12"),
            (("--licensee", sold.licensee), MONTH),
            (("--licensee", other["licensee"]), MONTH),
            (("--site", "another"), MONTH),
        )
    ]

    async def code(path, secret):
        status, _, answer = await ask(http, one, path, secret)
        told = await answer.json(content_type=None)
        return status, told["code"], told.get("detail", "")

    outside = (403, "audit-out-of-scope", "It is not in the scope of this access.")
    bundle, receipt = f"/bundles/{sold.licensee}/{MONTH}", f"/receipts/{sold.records[0]}"
    assert await code(bundle, past["secret"]) == outside
    assert await code(receipt, past["secret"]) == outside
    assert await code(f"/bundles/{other['licensee']}/{MONTH}", mine["secret"]) == outside
    assert await code(f"/bundles/{sold.licensee}/2026-01", mine["secret"]) == outside
    assert await code(receipt, of_other["secret"]) == outside
    assert await code("/receipts/no-such-record", mine["secret"]) == outside
    assert await code("", elsewhere["secret"]) == outside
    assert (await code(f"/bundles/{sold.licensee}/yesterday", mine["secret"]))[:2] == (404, "not-found")
    unknown = (401, "auditor-unknown", "The secret is missing or not ours.")
    for secret in ("", "lau_" + "a" * 58, sold.secret):
        assert await code(bundle, secret) == unknown
    # It is good for nothing else of the desk.
    for path in ("/.licet/account", receipt.replace("/receipts", "/.licet/receipts"), "/.licet/negotiations"):
        login = {"Authorization": f"Bearer {mine['secret']}"}
        async with http.get(one.front + path, headers=login) as answer:
            assert answer.status == 401, path
    async with http.post(f"{one.front}/.licet/audit{bundle}", headers=login) as answer:
        assert answer.status == 405

    await licet("auditors", "revoke", mine["id"])
    assert await code(bundle, mine["secret"]) == (401, "auditor-unknown", "This access was revoked.")
    assert "has access" in (await licet("auditors", "revoke", mine["id"], code=1)).err
    with closing(apsw.Connection(str(licet.folder / "licet-data" / "licet.db"))) as db:
        db.execute("UPDATE auditors SET expires_at = made_at WHERE id = ?", (past["id"],))
        kept = db.execute("SELECT group_concat(secret_sha256) FROM auditors").get
    assert mine["secret"] not in kept
    assert await code(bundle, past["secret"]) == (401, "auditor-unknown", "This access has expired.")

    states = {row["id"]: row["state"] for row in (await licet("auditors", "list", "--json")).json}
    assert (states[past["id"]], states[mine["id"]], states[of_other["id"]]) == ("expired", "revoked", "runs")
    looks = (await licet("auditors", "looks", past["id"], "--json")).json
    assert [each["came"] for each in looks] == ["auditor-unknown", "audit-out-of-scope", "audit-out-of-scope"]
    shown = (await licet("auditors", "looks")).out
    assert "audit-out-of-scope" in shown
    assert f"bundle {sold.licensee}/{MONTH}" in shown


async def test_who_is_given_access_is_checked(licet, origin):
    licet.write_site(origin.url)
    await (await licet.serve()).stop()
    for args, code, why in (
        (("--period", MONTH), 2, "name it"),
        (("--period", "soon", "--site", "journal"), 2, "the months are two such as"),
        (("--period", MONTH, "--licensee", "le_0"), 1, "there is no licensee 'le_0'"),
        (("--period", MONTH, "--site", "journal", "--days", 1000), 2, "1 to 366 days"),
    ):
        assert why in (await licet("auditors", "add", "Ada", *args, code=code)).err
