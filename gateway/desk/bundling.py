"""An evidence bundle, gathered from the stores and sealed: `provenance.evidence_bundle` says what is in it.

Positions, notes of people and whatever is personal in a fetch are in none of
the stores that are read here. A contract names who accepted it and from which
address, as both parties have it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.billing.ledger import Ledger
from gateway.billing.statements import Period, Statement
from gateway.canonical import canonical_digest
from gateway.desk.versions import TermsVersions
from gateway.keys.key_set import PublicKey
from gateway.licenses.duties import Duties
from gateway.licenses.license import BY_FETCH, License, Licensee
from gateway.licenses.negotiations import Negotiations
from gateway.licenses.register import LicenseRegister
from gateway.provenance.archive import ArchiveWriter, file_part
from gateway.provenance.checkpoint import LogKey
from gateway.provenance.evidence_bundle import (
    ABOUT,
    BATCH,
    CHECKPOINT,
    LOG_KEY,
    MOST_PROOFS,
    MOST_RECORDS,
    README,
    SIGNING_KEYS,
    STATEMENT,
    About,
    as_file,
    proof_name,
    receipts_name,
    seal,
)
from gateway.provenance.public_log import Leaves, Signed
from gateway.provenance.receipts import Opened, receipts, tlog_proof_of
from gateway.provenance.tiles import Nodes

_MOST_VERSIONS: Final = 10_000
_SECOND: Final = 1_000_000


class NotBundled(Exception):
    """There is no bundle to be had now; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where everything comes from. *keys* are those that sign, or signed, tokens and agreements."""

    leaves: Leaves
    ledger: Ledger
    register: LicenseRegister
    negotiations: Negotiations
    duties: Duties
    versions: TermsVersions
    keys: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """The log that proves: its last head, the tree under it, and the key that seals."""

    key: LogKey
    signed: Signed
    nodes: Nodes
    private: Ed25519PrivateKey


async def write_bundle(
    out: BinaryIO, licensee: Licensee, period: Period, sources: Sources, log: Log, *, site: str = ""
) -> About:
    """Write the bundle of *licensee* and *period* to *out*, of one *site* alone if that is given.

    A bundle of one site has no statement: what was paid in is of no site. With the same content and the same head it is the same octets. Raises
    `NotBundled`, `StoreUnavailable`, `StatementDisagrees`, `ArchiveRefused` for
    one that would be too large, and `OSError`.
    """
    statement = await sources.ledger.statement(licensee.id, licensee.name, period)
    if statement.last_seq > log.signed.head.size:
        raise NotBundled(
            "The public log does not hold all of it yet; a running gateway signs what is new every second."
        )
    with ArchiveWriter(out) as writer:
        named, count = await _write_receipts(writer, licensee, statement, sources, log, site)
        about = About(
            licensee.id,
            licensee.name,
            period.name,
            period.since_us,
            period.until_us,
            log.key.vkey,
            count,
            site,
        )
        writer.add(ABOUT, as_file(about.as_json()))
        writer.add(README, _readme(about).encode())
        writer.add(CHECKPOINT, log.signed.note.encode())
        writer.add(LOG_KEY, f"{log.key.vkey}\n".encode())
        writer.add(SIGNING_KEYS, as_file({"keys": [each.as_jwk() for each in sources.keys]}))
        if not site:
            writer.add(f"{STATEMENT}.json", f"{statement.as_json()}\n".encode())
            writer.add(f"{STATEMENT}.csv", statement.as_csv().encode())
            writer.add(f"{STATEMENT}.txt", statement.as_text().encode())
        held = await _licenses(licensee, period, named, sources.register)
        licenses = [each for each in held if site in {"", each.site}]
        for license in licenses:
            await _write_license(writer, license, sources)
        for each in sorted({license.site for license in licenses}):
            await _write_terms(writer, each, period, sources.versions)
        await asyncio.to_thread(seal, writer, log.key.name, log.private)
    return about


async def _write_receipts(
    writer: ArchiveWriter, licensee: Licensee, statement: Statement, sources: Sources, log: Log, site: str
) -> tuple[set[str], int]:
    """Write every record that the statement is of, of *site* alone if it is not ""; which licenses they name, and how many they are."""
    period, after = statement.period, (0, -1)
    named: set[str] = set()
    count, batches = 0, 0
    alone: list[dict[str, Any]] = []
    while page := await sources.leaves.opened_of(licensee.id, period.since_us, period.until_us, after, BATCH):
        after = (page[-1].time_us, page[-1].index)
        # What came in since the statement was made belongs to the next bundle.
        taken = [each for each in page if each.index < statement.last_seq and site in {"", each.site}]
        if not taken:
            continue
        count, batches = count + len(taken), batches + 1
        if count > MOST_RECORDS:
            raise NotBundled(
                f"The month has more than {MOST_RECORDS} records of this licensee, too many for a bundle."
            )
        # Off the loop, as everything long here: an office has more to do than this.
        document = await asyncio.to_thread(_put_receipts, writer, receipts_name(batches), taken, log)
        named |= {row["record"].get("license", "") for row in document["receipts"]}
        if count <= MOST_PROOFS:
            alone += document["receipts"]
        else:
            alone.clear()
    if count <= MOST_PROOFS:
        await asyncio.to_thread(_put_proofs, writer, alone, log.signed.note)
    return named, count


def _put_receipts(writer: ArchiveWriter, name: str, taken: Iterable[Opened], log: Log) -> dict[str, Any]:
    document = receipts(taken, log.key, log.signed.head.size, log.signed.note, log.nodes)
    writer.add(name, as_file(document))
    return document


def _put_proofs(writer: ArchiveWriter, rows: Iterable[dict[str, Any]], note: str) -> None:
    for row in rows:
        writer.add(proof_name(row["index"]), tlog_proof_of(row, note).encode())


async def _licenses(
    licensee: Licensee, period: Period, named: set[str], register: LicenseRegister
) -> list[License]:
    """Licenses that stood in the month, and those that a record of it names."""
    since, until = period.since_us // _SECOND, period.until_us // _SECOND
    held = await register.licenses_of(licensee.id)
    return sorted(
        (
            each
            for each in held
            if each.id in named
            or (each.starts_at < until and each.ends_at > since and not each.id.startswith(BY_FETCH))
        ),
        key=lambda each: each.id,
    )


async def _write_license(writer: ArchiveWriter, license: License, sources: Sources) -> None:
    part = file_part(license.id)
    agreed = await sources.negotiations.of_license(license.id)
    contract = orjson.loads(agreed.contract) if agreed is not None and agreed.contract else None
    handed_in = await sources.duties.reports(license.id)
    writer.add(
        f"licenses/{part}.json",
        as_file(
            {
                "id": license.id,
                "licensee": license.licensee,
                "site": license.site,
                "offer": license.offer,
                "terms": license.terms.as_json(),
                "terms_hash": license.terms.hash,
                "policy": license.policy,
                "starts_at": license.starts_at,
                "ends_at": license.ends_at,
                "budget_micros": license.budget.micros,
                "budget_fetches": license.budget.fetches,
                "crawlers": sorted(license.crawlers),
                "contract": canonical_digest(contract) if contract is not None else "",
                "reports": sorted({each.report.sha256 for each in handed_in}),
            }
        ),
    )
    if agreed is not None and contract is not None:
        writer.add(f"contracts/{part}.json", as_file(contract))
        said = [
            {
                "nth": each.nth,
                "at": each.at,
                "by": str(each.by),
                "act": each.act,
                "body": orjson.loads(each.body),
                "previous": each.previous,
            }
            for each in agreed.transcript
        ]
        writer.add(
            f"contracts/{part}.transcript.json", as_file({"negotiation": agreed.id, "transcript": said})
        )
    for each in sorted({each.report.sha256: each for each in handed_in}.items()):
        writer.add(f"reports/{part}/{each[0]}.json", each[1].report.document)
    if handed_in:
        rows = [{"duty": each.duty, "at": each.at, "sha256": each.report.sha256} for each in handed_in]
        writer.add(f"reports/{part}/handed-in.json", as_file(rows))


async def _write_terms(writer: ArchiveWriter, site: str, period: Period, versions: TermsVersions) -> None:
    """Write what *site* published in the month, and since when each of it was in force."""
    until, since = period.until_us // _SECOND, period.since_us // _SECOND
    rows: list[dict[str, object]] = []
    for taken in await versions.history(site, _MOST_VERSIONS):
        if taken.at < until:
            rows.append({"name": taken.name, "at": taken.at, "policy": taken.policy})
            if taken.at <= since:
                break
    part = file_part(site)
    for name in sorted({str(row["name"]) for row in rows}):
        version = await versions.version(site, name)
        if version is not None:
            writer.add(f"terms/{part}/{name}.json", version.text)
    writer.add(f"terms/{part}/history.json", as_file(rows))


def _readme(about: About) -> str:
    return f"""\
EVIDENCE OF ONE LICENSEE'S MONTH

Licensee   {"".join(char if char.isprintable() else "?" for char in about.name)} ({about.licensee})
Period     {about.period} (UTC){f"{chr(10)}Site       {about.site}" if about.site else ""}
Records    {about.records}
Log        {about.log}

Take the log's key from elsewhere than from here: from /.licet/log/key of the
site, or from whoever kept it. Then, without the gateway:

    licet audit THIS.zip --key KEY

or with programs of others:

1. Files.     sha256sum --check --strict SHA256SUMS
2. The list.  SHA256SUMS.note is a signed note (C2SP signed-note) of three lines:
              licet-bundle/1, the log's name, and the base64 SHA-256 of SHA256SUMS.
              Its signature is the key's (Ed25519).
3. The head.  checkpoint is a C2SP tlog-checkpoint, signed by the same key.
4. Records.   Each proofs/INDEX.tlog-proof (C2SP tlog-proof) leads from one leaf
              to that head. Its extra line is base64 of JSON: kind, record, salt.
              The leaf's octets are, without spaces,
              {{"entry":"E","site":"S","time":T,"v":1}} where
              E = hex SHA-256(salt || RFC 8785 JSON of the record),
              S = hex SHA-256(salt || "site" || 0x00 || the record's site),
              T = the record's time_us; its hash is SHA-256(0x00 || leaf).
              receipts/*.json hold the same, many to a file; with more than
              {MOST_PROOFS} records they stand alone.
5. Money.     statement.csv sums the charged_micros of the records (millionths).
6. Terms.     terms/SITE/NAME.json and reports/LICENSE/NAME.json are named by
              their SHA-256. An agreement's signature is a JWS (RFC 7515) by a key
              of keys/tokens.jwks.json, over the hashes of terms and contract.

What stands here was recorded when it says, and nothing of it was changed since.
That nothing was left out is not shown by a bundle: compare it with receipts.
"""
