"""Every way of bending an evidence bundle is found, and what is wrong is named.

Each row changes one part of a real bundle. It is done by three kinds of people:
somebody on the way, who has no key and leaves the list of files as it was, or
writes it anew; the keeper of another log, who signs it all again; and the
gateway's own operator, whose signatures hold, and who must be found all the same.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, replace

import aiohttp
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.billing.bundle_papers import audit_bundle
from gateway.billing.statements import Period
from gateway.canonical import canonical_bytes
from gateway.desk.bundling import Log, Sources, write_bundle
from gateway.licenses.auditors import month_of
from gateway.licenses.obligations import Kind, obligation
from gateway.licenses.position import Position
from gateway.policy.rules import Signing
from gateway.provenance.archive import ArchiveRefused, ArchiveWriter, open_archive
from gateway.provenance.checkpoint import Checkpoint, LogKey, sign
from gateway.provenance.evidence_bundle import SEAL, SUMS, seal
from gateway.provenance.record import FetchRecord

DAY = 86_400


@dataclass
class Made:
    """A bundle as its files, the log's key and private key, what else is needed to bend it."""

    files: dict[str, bytes]
    key: LogKey
    private: Ed25519PrivateKey
    license: str


async def _buy(world, made):
    """Negotiate the offer `archive`, read twice under it, and hand a report in; the id of the license."""
    world.positions["archive"] = Position()
    world.policy = replace(world.policy, signing=Signing("Ireland"))

    async def post(path, body, **headers):
        answer = await world.post(
            path, made, json.dumps(body), headers={"Content-Type": "application/json", **headers}
        )
        assert answer.status < 300, await answer.text()
        return await answer.json(), answer.headers.get("ETag", "")

    async with world.http.get(f"{world.origin}/.licet/license.json") as answer:
        await answer.read()
    await world.terms.of(world.policy)
    facts = {
        "use_case": "training", "products": "Summarizer", "model_class": "closed", "redistribution": "no",
        "launch_date": "2027-06-01", "data_protection": "encrypted at rest",
    }  # fmt: skip
    told, tag = await post("/.licet/negotiations", {"offer": "archive", "facts": facts})
    body = {name: told["accept"][name] for name in ("terms_hash", "assent")}
    told, _ = await post(f"/.licet/negotiations/{told['id']}/acceptance", body, **{"If-Match": tag})
    assert told["state"] in {"AGREED", "FINALIZED"}, told
    (license,) = await world.licenses(made)
    for nth in range(3):
        at = world.clock.now_us()
        await world.kept.keep(
            FetchRecord(
                id=f"fetch-{made.licensee.id}-{nth}", time_us=at, duration_us=9, site="journal", host="journal.example", method="GET",
                path=f"/archive/{nth}", visitor_class="ai", identity="claimed", identity_method="none", verdict="license",
                rule="rules[0]", policy="sha-256:policy", mode="enforce", outcome="licensed", status=200, bytes_sent=10,
                ended="complete", detail="0" * 64, licensee=made.licensee.id, client=made.client.id, license=license.id,
                terms=license.terms.hash, work="archive", currency="USD", price_micros=1000, charged_micros=1000,
                charge_reason="fetch",
            )
        )  # fmt: skip
    return license


async def _report(world, made, license):
    now = world.now
    duty = obligation(license, Kind.REPORT, "quarter", (now, now), now + 40 * DAY, "A report.")
    await world.duties.plan(license, [duty])
    world.clock.advance(40 * DAY - 1)
    body = {
        "duty": duty.id, "license": license.id, "period": None, "datasets": [{"name": "one", "content": ["/archive/0"], "items": 1}],
        "models": [], "inferences": [], "revenue": [], "statement": {"by": "Eve", "role": "CEO"},
    }  # fmt: skip
    async with world.http.get(f"{world.origin}/.licet/duties/{duty.id}", headers=world.login(made)) as answer:
        told, tag = await answer.json(), answer.headers["ETag"]
    body["period"] = told["period"]
    async with world.http.post(
        f"{world.origin}/.licet/reports", json=body, headers={**world.login(made), "If-Match": tag}
    ) as answer:
        assert answer.status == 201, await answer.text()


async def _bundle(world, made, month):
    sources = Sources(
        world.log.leaves, world.ledger, world.register.store, world.negotiations.store, world.duties.store,
        world.versions, tuple(each.public for each in world.keys.list()),
    )  # fmt: skip
    signed = world.log.log.signed
    log = Log(world.log.log.key, signed, world.log.log.nodes(signed.head.size), world.log.private)
    out = io.BytesIO()
    await write_bundle(out, made.licensee, Period.parse(month), sources, log)
    with zipfile.ZipFile(out) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.fixture(scope="module")
def made(make_world, tmp_path_factory):
    """``one``; ``earlier``: of the same log when it was smaller; ``other``: of another licensee; ``next``: of the next month."""

    async def run():
        world = make_world(tmp_path_factory.mktemp("world"))
        await world.open()
        try:
            return await _all_four(world)
        finally:
            await world.close()

    return asyncio.run(run())


async def _all_four(world):
    world.login = lambda made: {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}
    ada, bob = await world.licensee("1000"), await world.licensee("1000")
    licenses = [await _buy(world, each) for each in (ada, bob)]
    month = month_of(world.clock.now_us())
    await world.log.sign_news()
    key, private = world.log.log.key, world.log.private
    earlier = await _bundle(world, ada, month)
    await world.pay_in(bob, "1")
    await _report(world, ada, licenses[0])
    later = month_of(world.clock.now_us())
    assert later > month
    await world.pay_in(ada, "2")
    await world.log.sign_news()
    files = {
        "earlier": earlier,
        "one": await _bundle(world, ada, month),
        "other": await _bundle(world, bob, month),
        "next": await _bundle(world, ada, later),
    }
    return {name: Made(each, key, private, licenses[0].id) for name, each in files.items()}


def written(files, *, key=None, private=None):
    """The archive of *files*; with *key* listed and sealed anew, else with the list that is among them."""
    out = io.BytesIO()
    with ArchiveWriter(out) as writer:
        for name, octets in sorted(files.items()):
            if key is None or name not in {SUMS, SEAL}:
                writer.add(name, octets)
        if key is not None:
            seal(writer, key.name, private)
    return out.getvalue()


def found(tmp_path, octets, key):
    path = tmp_path / "x.zip"
    path.write_bytes(octets)
    with open_archive(path) as archive:
        return audit_bundle(archive, key).findings


def changed(name, at, value=None):
    """Change one member of a JSON file: *at* is the way to it, *value* its new value, or what makes it of the old."""

    def act(files, _):
        name_ = _named(files, name)
        document = orjson.loads(files[name_])
        inner = document
        for step in at[:-1]:
            inner = inner[step]
        inner[at[-1]] = value(inner[at[-1]]) if callable(value) else value
        files[name_] = canonical_bytes(document) + (b"\n" if files[name_].endswith(b"\n") else b"")
        return name_

    return act


def without(name):
    def act(files, _):
        name_ = _named(files, name)
        del files[name_]
        return name_

    return act


def swapped(name, bundle):
    """Put the file of another bundle in its place."""

    def act(files, made):
        name_ = _named(files, name)
        files[name_] = made[bundle].files[_named(made[bundle].files, name)]
        return name_

    return act


def cut(name):
    def act(files, _):
        name_ = _named(files, name)
        files[name_] = files[name_][: len(files[name_]) // 2]
        return name_

    return act


def added(name, octets=b"{}\n"):
    def act(files, _):
        files[name] = octets
        return name

    return act


def _named(files, name):
    """The file of that name, or the first whose name begins and ends so (``*`` between)."""
    before, star, after = name.partition("*")
    if not star:
        return name
    return next(
        each for each in sorted(files) if each.startswith(before) and each.endswith(after) and "transcript" not in each.removesuffix(after)
    )  # fmt: skip


def _without_record(files, _):
    document = orjson.loads(files["receipts/00001.json"])
    row = document["receipts"].pop()
    files["receipts/00001.json"] = canonical_bytes(document) + b"\n"
    del files[f"proofs/{row['index']}.tlog-proof"]
    return "receipts/00001.json"


def _twice(files, _):
    document = orjson.loads(files["receipts/00001.json"])
    document["receipts"].append(document["receipts"][0])
    files["receipts/00001.json"] = canonical_bytes(document) + b"\n"
    return "receipts/00001.json"


def _foreign_record(files, made):
    document = orjson.loads(files["receipts/00001.json"])
    document["receipts"] += orjson.loads(made["other"].files["receipts/00001.json"])["receipts"]
    files["receipts/00001.json"] = canonical_bytes(document) + b"\n"
    return "receipts/00001.json"


def _foreign_head(files, made):
    _, size, root = files["checkpoint"].decode().split("\n")[:3]
    other = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
    name = made["one"].key.name
    head = Checkpoint(name, int(size), base64.b64decode(root))
    files["checkpoint"] = sign(head, name, other).encode()
    return "checkpoint"


def _foreign_key(files, made):
    other = Ed25519PrivateKey.from_private_bytes(b"f" * 32).public_key()
    files["keys/log.vkey"] = f"{LogKey(made['one'].key.name, other).vkey}\n".encode()
    return "keys/log.vkey"


def _no_contract(files, _):
    name = _named(files, "contracts/*.json")
    del files[name.replace(".json", ".transcript.json")]
    del files[name]
    return name


def _report_out(files, _):
    name = next(each for each in files if each.startswith("reports/") and "handed-in" not in each)
    handed_in = _named(files, "reports/*/handed-in.json")
    del files[name]
    files[handed_in] = b"[]\n"
    return name


def _report_changed(files, _):
    name = next(each for each in files if each.startswith("reports/") and "handed-in" not in each)
    document = orjson.loads(files[name])
    document["datasets"][0]["items"] = 7
    files[name] = canonical_bytes(document)
    return name


def _report_renamed(files, _):
    """Changed, and named by its new hash, in the list too; the license names the one that was handed in."""
    name = _report_changed(files, _)
    octets = files.pop(name)
    folder, digest = name.rpartition("/")[0], hashlib.sha256(octets).hexdigest()
    files[f"{folder}/{digest}.json"] = octets
    rows = orjson.loads(files[f"{folder}/handed-in.json"])
    rows[0]["sha256"] = digest
    files[f"{folder}/handed-in.json"] = canonical_bytes(rows) + b"\n"
    return name


def _terms_changed(files, _):
    name = next(each for each in files if each.startswith("terms/") and "history" not in each)
    files[name] = files[name].replace(b"journal", b"JOURNAL", 1) + b" "
    return name


def _terms_out(files, _):
    name = next(each for each in files if each.startswith("terms/") and "history" not in each)
    del files[name]
    return name


def _other_month(files, made):
    about = orjson.loads(files["about.json"])
    about["period"] = orjson.loads(made["next"].files["about.json"])["period"]
    files["about.json"] = canonical_bytes(about) + b"\n"
    return "about.json"


def _other_site(files, _):
    about = orjson.loads(files["about.json"])
    files["about.json"] = canonical_bytes({**about, "site": "other"}) + b"\n"
    return "about.json"


def _first(name):
    return ("receipts", 0, *name)


OTHER = ("receipts/00001.json", "is not in the log that its checkpoint signs")
#: What is changed, how, and what the operator's own bending of it is called: the file that is named, and why.
BENT = {
    "record: an amount": (changed("receipts/00001.json", _first(("record", "time_us")), lambda old: old + 1), *OTHER),
    "record: its salt": (changed("receipts/00001.json", _first(("salt",)), "00" * 32), *OTHER),
    "record: left out": (_without_record, "about.json", "it tells of 5 records, and 4 are proven"),
    "record: twice": (_twice, "receipts/00001.json", "it stands there twice"),
    "record: another licensee's": (_foreign_record, "receipts/00001.json", "it is of another licensee"),
    "record: all left out": (without("receipts/*.json"), "about.json", "it tells of 5 records, and 0 are proven"),
    "record: cut": (cut("receipts/00001.json"), "receipts/00001.json", "unexpected end"),
    "record: another licensee's file": (swapped("receipts/00001.json", "other"), "receipts/00001.json", "it is of another licensee"),
    "record: from an earlier head": (swapped("receipts/00001.json", "earlier"), "receipts/00001.json", "its head is not the bundle's"),
    "proof: a step": (changed("receipts/00001.json", _first(("proof", 0)), base64.b64encode(bytes(32)).decode()), *OTHER),
    "proof: shortened": (changed("receipts/00001.json", _first(("proof",)), lambda old: old[:-1]), *OTHER),
    "proof: its place": (changed("receipts/00001.json", _first(("index",)), lambda old: old + 1), *OTHER),
    "proof: the text of it": (cut("proofs/*.tlog-proof"), "proofs/", "it does not prove what the receipt of that record does"),
    "proof: the text left out": (without("proofs/*.tlog-proof"), "proofs/", "it is missing"),
    "proof: one more": (added("proofs/999.tlog-proof", b"x"), "proofs/999.tlog-proof", "it proves no record of this bundle"),
    "checkpoint: of an earlier day": (swapped("checkpoint", "earlier"), "receipts/00001.json", "its head is not the bundle's"),
    "checkpoint: cut": (cut("checkpoint"), "checkpoint", ""),
    "checkpoint: left out": (without("checkpoint"), "checkpoint", "it is missing"),
    "checkpoint: another's": (_foreign_head, "checkpoint", "signed"),
    "key: another's": (_foreign_key, "keys/log.vkey", "it is another key than the one that was given"),
    "key: left out": (without("keys/log.vkey"), "keys/log.vkey", "it is missing"),
    "key: of tokens left out": (without("keys/tokens.jwks.json"), "keys/tokens.jwks.json", "it is missing"),
    "key: of tokens is none": (added("keys/tokens.jwks.json", b'{"keys":7}\n'), "keys/tokens.jwks.json", "it is no set of keys"),
    "contract: a word": (changed("contracts/*.json", ("law",), "another"), "contracts/", "it is not the contract that the license names"),
    "contract: left out": (_no_contract, "contracts/", "the license was agreed by it, and it is missing"),
    "contract: another licensee's": (swapped("contracts/*.json", "other"), "contracts/", "it is not the contract that the license names"),
    "contract: transcript left out": (without("contracts/*.transcript.json"), "contracts/", "it is missing"),
    "contract: transcript bent": (changed("contracts/*.transcript.json", ("transcript", 0, "at"), 1), "contracts/", "the transcript is not whole"),
    "contract: transcript of another": (swapped("contracts/*.transcript.json", "other"), "contracts/", "it is not the document that the transcript says was agreed"),
    "license: its terms": (changed("licenses/*.json", ("terms", "compensation", "per_fetch"), "1"), "licenses/", "it is no license"),
    "license: left out": (without("licenses/*.json"), "licenses/", "records name this license, and it is missing"),
    "license: whose": (changed("licenses/*.json", ("licensee",), "le_0"), "licenses/", "it is of another licensee"),
    "license: another's": (swapped("licenses/*.json", "other"), "licenses/", "it is another license than its name says"),
    "statement: an amount": (changed("statement.json", ("charges", 0, "micros"), lambda old: old + 1), "statement.json", ""),
    "statement: its period": (swapped("statement.json", "next"), "statement.json", "it is of another licensee or period"),
    "statement: whose": (swapped("statement.json", "other"), "statement.json", "it is of another licensee or period"),
    "statement: of an earlier day, as text": (cut("statement.txt"), "statement.txt", "it does not say what statement.json says"),
    "statement: as a table": (swapped("statement.csv", "other"), "statement.csv", "it does not say what statement.json says"),
    "statement: left out": (without("statement.json"), "statement.json", "it is missing"),
    "statement: the table left out": (without("statement.csv"), "statement.csv", "it is missing"),
    "report: a figure": (_report_changed, "reports/", "it is not the report of that name"),
    "report: replaced": (_report_renamed, "reports/", "it was handed in, and is missing"),
    "report: left out": (_report_out, "reports/", "it was handed in, and is missing"),
    "report: list of them left out": (without("reports/*/handed-in.json"), "reports/", "it is missing"),
    "policy: a word of the terms": (_terms_changed, "terms/", "these are not the terms of that name"),
    "policy: left out": (_terms_out, "terms/", "they were in force, and are missing"),
    "policy: its history left out": (without("terms/*/history.json"), "terms/", "it is missing"),
    "manifest: another month": (_other_month, "receipts/00001.json", "it is of another period"),
    "manifest: whose": (changed("about.json", ("licensee", "id"), "le_0"), "receipts/00001.json", "it is of another licensee"),
    "manifest: the name": (changed("about.json", ("licensee", "name"), "Somebody"), "statement.json", "it is of another licensee or period"),
    "manifest: how many": (changed("about.json", ("records",), 4), "about.json", "it tells of 4 records, and 5 are proven"),
    "manifest: another log": (changed("about.json", ("log",), lambda old: old + "x"), "about.json", "it is of another log than that of the key"),
    "manifest: a site": (_other_site, "receipts/00001.json", "it is of another site"),
    "manifest: left out": (without("about.json"), "about.json", "it is missing"),
    "manifest: another's": (swapped("about.json", "other"), "receipts/00001.json", "it is of another licensee"),
    "a file nobody knows": (added("contracts.pdf", b"%PDF"), "contracts.pdf", "no file of a bundle has that name"),
}  # fmt: skip


def test_a_real_bundle_holds_and_has_everything(made, tmp_path):
    for name in made:
        one = made[name]
        seen = found(tmp_path, written(one.files), one.key)
        assert (seen.faults, seen.notes) == ([], []), name
    checked = found(tmp_path, written(made["one"].files), made["one"].key).checked
    wanted = (
        "heads",
        "records",
        "proofs",
        "statements",
        "licenses",
        "contracts",
        "signatures",
        "reports",
        "terms",
    )
    assert [checked[each] for each in wanted] == [1, 5, 5, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("what", BENT)
def test_whatever_is_bent_is_named(made, tmp_path, what):
    act, name, why = BENT[what]
    one = made["one"]
    files = dict(one.files)
    touched = act(files, made)

    # On the way, the list left as it was: the file itself is named.
    told = found(tmp_path, written(files), one.key).faults
    assert [each for each in told if each.startswith(f"{touched}: ")], told

    # On the way, the list made anew; or everything signed again with another key: the seal is not believed.
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    listed = dict(files)
    listed[SUMS] = "".join(
        f"{hashlib.sha256(octets).hexdigest()}  {each}\n"
        for each, octets in sorted(files.items())
        if each not in {SUMS, SEAL}
    ).encode()
    for octets in (
        written(listed),
        written(files, key=LogKey(one.key.name, stranger.public_key()), private=stranger),
    ):
        told = found(tmp_path, octets, one.key).faults
        assert [each for each in told if each.startswith(f"{SEAL}: ")], told

    # By the operator, with the right key: what does not fit together is named.
    told = found(tmp_path, written(files, key=one.key, private=one.private), one.key).faults
    assert [each for each in told if each.startswith(name) and why in each], told


@pytest.mark.parametrize("name", [SUMS, SEAL])
@pytest.mark.parametrize(
    "act", [without, cut, lambda name: swapped(name, "next")], ids=["out", "cut", "swapped"]
)
def test_the_list_and_its_seal_cannot_be_bent(made, tmp_path, name, act):
    files = dict(made["one"].files)
    act(name)(files, made)
    told = found(tmp_path, written(files), made["one"].key).faults
    assert [each for each in told if each.startswith((f"{SUMS}: ", f"{SEAL}: "))], told


def test_a_signature_that_nobody_can_check_is_said(made, tmp_path):
    """Whoever swaps the keys of tokens takes proof away and adds none; that it is gone is told."""
    one = made["one"]
    files = {**one.files, "keys/tokens.jwks.json": b'{"keys":[]}\n'}
    seen = found(tmp_path, written(files, key=one.key, private=one.private), one.key)
    assert "signatures" not in seen.checked
    assert "which the gateway has forgotten; not checked" in "".join(seen.notes + seen.faults)


def test_what_is_whole_and_another_logs_is_not_believed(made, tmp_path):
    one = made["one"]
    other = LogKey(one.key.name, Ed25519PrivateKey.from_private_bytes(b"f" * 32).public_key())
    told = found(tmp_path, written(one.files), other).faults
    for name in (SEAL, "checkpoint", "keys/log.vkey", "about.json"):
        assert [each for each in told if each.startswith(f"{name}: ")], name


def test_no_cut_of_the_archive_is_read(made, tmp_path):
    octets, path = written(made["one"].files), tmp_path / "cut.zip"
    for end in range(0, len(octets), max(1, len(octets) // 97)):
        path.write_bytes(octets[:end])
        with pytest.raises(ArchiveRefused):
            open_archive(path)
