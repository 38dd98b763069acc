"""What is about somebody is erased on request, and every proof of before holds after; settings never forget evidence."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zipfile import ZipFile

AGENT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
MONTH = datetime.now(UTC).strftime("%Y-%m")


def octets_of(data):
    return b"".join(
        path.read_bytes()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.suffix in {".db", ".db-wal", ".det", ".seg", ""}
    )


def members(bundle):
    """What a bundle holds besides its head and what leads to it; of receipts the records."""
    found = {}
    with ZipFile(bundle) as archive:
        for name in archive.namelist():
            if name.startswith("receipts/"):
                found[name] = [each["record"] for each in json.loads(archive.read(name))["receipts"]]
            elif name.startswith("proofs/"):
                found[name] = b""
            elif name != "checkpoint" and not name.startswith("SHA256SUMS"):
                found[name] = archive.read(name)
    return found


async def test_erasing_on_request_leaves_every_proof_as_it_was(licet, origin, sell):
    data = licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)
    # Beside a running gateway, what the day's file has is told, not kept silent.
    first = (await licet("erase", "--record", sold.records[1], "--json")).json
    assert first["erased"] + first["waiting"] >= 1
    assert (await licet("erase", "--record", sold.records[1], "--json")).json["erased"] == 0
    await one.stop()

    vkey = (await licet("journal", "verify", "--json", "--keep", "before")).json["log"]
    receipt = (await licet("journal", "prove", sold.records[0])).out
    (licet.folder / "receipt.json").write_text(receipt)
    ask = ("journal", "bundle", "--licensee", sold.licensee, "--period", MONTH, "--out")
    await licet(*ask, "before.zip")
    assert AGENT.encode() in octets_of(data)

    told = (await licet("erase", "--user-agent", AGENT)).out
    assert told == "erased   1 detail\n"
    assert AGENT.encode() not in octets_of(data)

    again = (await licet("journal", "prove", sold.records[0])).out
    (licet.folder / "again.json").write_text(again)
    opened = [[each["record"] for each in json.loads(text)["receipts"]] for text in (receipt, again)]
    assert opened[0] == opened[1]
    for name in ("receipt.json", "again.json"):
        assert "proven" in (await licet("receipt", "verify", name, "--key", vkey)).out
    assert (await licet("journal", "verify", "--since", "before", "--json")).json["good"]
    await licet(*ask, "after.zip")
    # That somebody erased stands in the log, whose head is another one since; nothing else of the evidence changed.
    before = members(licet.folder / "before.zip")
    assert members(licet.folder / "after.zip") == before
    assert (await licet("audit", "after.zip", "--key", vkey, "--json")).json["good"]
    assert (await licet("journal", "audit", "--json")).json["good"]
    # Packed files are read by everything as they were.
    exported = (await licet("journal", "export")).out
    assert (await licet("journal", "pack", "--json")).json["files"] >= 1
    assert (await licet("journal", "export")).out == exported
    assert (await licet("journal", "audit", "--json")).json["good"]
    await licet(*ask, "packed.zip")
    assert members(licet.folder / "packed.zip") == before
    for args, code, why in (
        ((), 2, "say one of"),
        (("--address", "somebody"), 2, "is no address"),
        (("--address", "203.0.113.9", "--record", "x"), 2, "say one of"),
    ):
        assert why in (await licet("erase", *args, code=code)).err

    # The license that was sold allows audits of a year back: looks of auditors are kept as long.
    shown = (await licet("retention")).out
    assert "whole until 30 days old; then erased, with its salt" in shown
    assert "12 months" in shown
    settings = data / "licet.toml"
    settings.write_text(settings.read_text() + "[retention]\nlooks_months = 3\n")
    why = "licet-data/licet.toml: retention.looks_months: is shorter than the 12 months"
    assert why in (await licet("retention", code=1)).out
    assert why in (await licet("serve", "--port", 0, "--dashboard-port", 0, code=2)).err
    assert why in str((await licet("doctor", "--json", code=1)).json)
