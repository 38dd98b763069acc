"""A month as evidence: written by the gateway's command, checked by one that has nothing but the file and the key."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import zipfile
from datetime import UTC, datetime

import aiohttp
import pytest

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
[offers.training.position]
floor = "0.57"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
MONTH = datetime.now(UTC).strftime("%Y-%m")


@pytest.fixture
async def bundled(licet, origin, sell):
    """A licensee that fetched two pages; the gateway has stopped; its bundle and the log's key."""
    licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)
    await one.stop()
    wrote = await licet(
        "journal", "bundle", "--licensee", sold.licensee, "--period", MONTH, "--out", "november.zip", "--json"
    )
    return licet, sold, wrote.json


async def test_a_month_is_written_and_holds_without_the_gateway(bundled, tmp_path) -> None:
    licet, sold, wrote = bundled
    assert (wrote["records"], wrote["licensee"]["id"]) == (3, sold.licensee)
    key = wrote["log"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (licet.folder / "november.zip").rename(elsewhere / "november.zip")
    (licet.folder / "licet-data").rename(tmp_path / "gone")
    licet.folder = elsewhere

    found = (await licet("audit", "november.zip", "--key", key, "--json")).json
    assert (found["good"], found["key_given"], found["faults"], found["notes"]) == (True, True, [], [])
    checked = found["checked"]
    assert {name: checked[name] for name in ("heads", "records", "proofs", "statements", "licenses", "terms")} == {
        "heads": 1, "records": 3, "proofs": 3, "statements": 1, "licenses": 1, "terms": 1,
    }  # fmt: skip
    told = (await licet("audit", "november.zip", "--key", key)).out
    assert told.startswith(f"bundle   Example AI Labs ({sold.licensee}), {MONTH}\nkey      {key}\nchecked  ")
    assert "\ncharged  0.01 USD\ngood: all of it holds" in told
    own = (await licet("audit", "november.zip")).out
    assert "of the bundle itself" in own
    other = key.replace(key.split("/")[0], "other.example", 1)
    assert "--key: the vkey's id" in (await licet("audit", "november.zip", "--key", other, code=2)).err


async def test_programs_of_others_read_it(bundled, tmp_path) -> None:
    licet, _, wrote = bundled
    folder = tmp_path / "opened"
    with zipfile.ZipFile(licet.folder / "november.zip") as opened:
        opened.extractall(folder)
    run = await asyncio.to_thread(
        subprocess.run,
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count(": OK\n") == len(list(folder.rglob("*.*"))) + 1 - 1
    (vkey,) = (folder / "keys" / "log.vkey").read_text().split()
    assert vkey == wrote["log"]
    proof = next((folder / "proofs").iterdir())
    (tmp_path / "one.tlog-proof").write_bytes(proof.read_bytes())
    shown = await licet("receipt", "verify", str(tmp_path / "one.tlog-proof"), "--key", vkey)
    assert shown.out.startswith("proven   record ")
    several = await licet(
        "receipt", "verify", str(folder / "receipts" / "00001.json"), "--key", vkey, "--json"
    )
    assert len(several.json["records"]) == 3
    text = (folder / "README.txt").read_text()
    assert "SHA-256(salt || RFC 8785 JSON of the record)" in text


async def test_the_same_content_is_the_same_octets(bundled) -> None:
    licet, sold, _ = bundled
    ask = ("journal", "bundle", "--licensee", sold.licensee, "--period", MONTH, "--out")
    first = (licet.folder / "november.zip").read_bytes()
    told = await licet(*ask, "again.zip")
    assert (licet.folder / "again.zip").read_bytes() == first
    assert told.out == f"again.zip: 3 records of Example AI Labs, {MONTH}, under the head of the log\n"
    # What a command entered while no gateway ran is signed, and in it.
    await licet("licensee", "credit", sold.licensee, "1 USD")
    await licet(*ask, "more.zip")
    found = (await licet("audit", "more.zip", "--json")).json
    assert (found["good"], found["checked"]["records"]) == (True, 4)


async def test_whoever_changes_it_is_found(bundled) -> None:
    licet, _, wrote = bundled
    path = licet.folder / "changed.zip"
    with zipfile.ZipFile(licet.folder / "november.zip") as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    document = json.loads(files["receipts/00001.json"])
    paid = next(row for row in document["receipts"] if row["record"].get("charged_micros"))
    paid["record"]["charged_micros"] += 1
    files["receipts/00001.json"] = (
        json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    )
    names = sorted(set(files) - {"SHA256SUMS", "SHA256SUMS.note"})
    files["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in names
    ).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, octets in files.items():
            made.writestr(name, octets)
    told = (await licet("audit", "changed.zip", "--key", wrote["log"], code=1)).out
    assert "WRONG    SHA256SUMS.note: it is signed, and of another list of files\n" in told
    assert "is not in the log that its checkpoint signs" in told
    assert "WRONG    statement.json: under li" in told
    assert "NOT GOOD: " in told
    path.write_bytes(path.read_bytes()[:-100])
    assert "is no evidence bundle: it does not end" in (await licet("audit", "changed.zip", code=1)).err


async def test_who_is_not_there_has_no_bundle(bundled) -> None:
    licet, _, _ = bundled
    ask = ("journal", "bundle", "--period", MONTH, "--out", "x.zip", "--licensee")
    assert "there is no licensee 'le_0'" in (await licet(*ask, "le_0", code=1)).err
    assert not list(licet.folder.glob("x.zip*"))


async def test_a_negotiated_contract_is_in_it_with_how_it_was_agreed(licet, http, origin) -> None:
    policy = POLICY.replace("[[rules]]", '[contract]\nlaw = "Ireland"\n[[rules]]', 1)
    licet.write_site(origin.url, policy=policy.replace('uses = ["ai-train"]', 'uses = ["ai-input"]'))
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "9 USD", "--json")).json
    login = {"Authorization": aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])}

    async def say(url, body, tag=""):
        version = {"If-Match": tag} if tag else {}
        async with http.post(url, json=body, headers={**login, **version}) as answer:
            told = await answer.json(content_type=None)
            assert answer.status < 300, told
            return told, answer.headers["ETag"]

    begin = {"offer": "training", "facts": {"use_case": "answers to readers"}}
    told, tag = await say(f"{one.front}/.licet/negotiations", begin)
    accept = {name: told["accept"][name] for name in ("terms_hash", "assent")}
    told, _ = await say(told["links"]["acceptance"], accept, tag)
    assert told["state"] == "AGREED"
    await one.stop()
    ask = ("journal", "bundle", "--licensee", made["licensee"], "--period", MONTH, "--out", "deal.zip")
    await licet(*ask)
    found = (await licet("audit", "deal.zip", "--json")).json
    assert (found["faults"], found["notes"]) == ([], [])
    assert (found["checked"]["contracts"], found["checked"]["signatures"]) == (1, 1)
    with zipfile.ZipFile(licet.folder / "deal.zip") as opened:
        contract = json.loads(opened.read(f"contracts/{told['license']}.json"))
        everything = b"".join(opened.read(name) for name in opened.namelist())
    assert contract["evidence"]["assent"] == accept["assent"]
    assert b"floor" not in everything.replace(b"floor prices", b"")
