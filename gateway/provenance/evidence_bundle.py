"""One licensee's month as evidence: what the archive holds, how it is sealed, and what its records prove.

=============================== ================================================
``README.txt``                  what this is, and how to check it without us
``SHA256SUMS``                  every other file but the next (``sha256sum -c``)
``SHA256SUMS.note``             the log's signature of that list (C2SP signed-note)
``about.json``                  whose, which month, which log, how many records
``checkpoint``                  the one head that all proofs lead to
``keys/log.vkey``               the key of both signatures
``keys/tokens.jwks.json``       the keys that sign tokens and agreements
``receipts/00001.json`` …       the records, opened and proven, 1000 a file
``proofs/INDEX.tlog-proof``     each of them alone (C2SP tlog-proof)
``statement.json``, .csv, .txt  the month's bill, where it is not of one site alone
``licenses/ID.json``            what was licensed, with its terms
``contracts/ID.json`` …         what was agreed on it, and how
``reports/ID/…``                what the licensee reported under it
``terms/SITE/…``                the published terms in force in the month
=============================== ================================================

JSON is canonical (RFC 8785) with a line feed behind it, but for documents whose
SHA-256 is their name. The log's key signs two kinds of text: checkpoints begin
with the log's name, seals with `FORMAT`, so that none is taken for the other.

A bundle proves that what it holds was recorded. That nothing was left out it
cannot prove: whoever holds receipts of the month compares.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.canonical import canonical_bytes
from gateway.provenance.archive import Archive, ArchiveRefused, ArchiveWriter
from gateway.provenance.checkpoint import Checkpoint, CheckpointRefused, LogKey, read, read_text, sign_text
from gateway.provenance.receipts import Proven, ReceiptRefused, tlog_proof_of, verify

FORMAT: Final = "licet-bundle/1"
README: Final = "README.txt"
SUMS: Final = "SHA256SUMS"
SEAL: Final = "SHA256SUMS.note"
ABOUT: Final = "about.json"
CHECKPOINT: Final = "checkpoint"
LOG_KEY: Final = "keys/log.vkey"
SIGNING_KEYS: Final = "keys/tokens.jwks.json"
STATEMENT: Final = "statement"
#: Records of one file.
BATCH: Final = 1000
#: Records up to which each has a ``.tlog-proof`` beside its receipt, which proves the same.
MOST_PROOFS: Final = 10_000
#: Records of one bundle.
MOST_RECORDS: Final = 500_000
#: Faults that are kept; the rest are counted.
MOST_FAULTS: Final = 200
_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S+)", re.ASCII)
_RECEIPTS: Final = re.compile(r"receipts/([0-9]{5})\.json", re.ASCII)
_PROOF: Final = re.compile(r"proofs/(0|[1-9][0-9]{0,18})\.tlog-proof", re.ASCII)


_OWN: Final = frozenset(
    {
        README,
        SUMS,
        SEAL,
        ABOUT,
        CHECKPOINT,
        LOG_KEY,
        SIGNING_KEYS,
        *(f"{STATEMENT}.{each}" for each in ("json", "csv", "txt")),
    }
)


@dataclass(frozen=True, slots=True)
class About:
    """What a bundle says it is: the month *period*, from *since_us* to before *until_us*, of *licensee*, called *name*.

    *site* is "" where it is of all sites.
    """

    licensee: str
    name: str
    period: str
    since_us: int
    until_us: int
    log: str
    records: int
    site: str = ""

    def as_json(self) -> dict[str, Any]:
        """The content of ``about.json``."""
        return {
            "format": FORMAT,
            "licensee": {"id": self.licensee, "name": self.name},
            "period": {"name": self.period, "since_us": self.since_us, "until_us": self.until_us},
            "log": self.log,
            "records": self.records,
            **({"site": self.site} if self.site else {}),
        }


@dataclass
class Findings:
    """What was checked, by kind and count, and what did not hold: sentences that name the file.

    *notes* are what could not be checked here, and is no fault.
    """

    checked: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.fault_count

    def fault(self, name: str, why: object) -> None:
        """Take down that the file *name* does not hold, and why; the first `MOST_FAULTS` are kept."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(f"{name}: {_one_line(str(why))}")

    def count(self, what: str, more: int = 1) -> None:
        """Take down that *more* of *what* were looked at."""
        self.checked[what] = self.checked.get(what, 0) + more


def as_file(value: object) -> bytes:
    """*value* as a JSON file of a bundle."""
    return canonical_bytes(value) + b"\n"


def receipts_name(nth: int) -> str:
    """The name of the file of receipts number *nth*, the first being 1."""
    return f"receipts/{nth:05d}.json"


def proof_name(index: int) -> str:
    """The name of the proof of the log's leaf *index*."""
    return f"proofs/{index}.tlog-proof"


def seal(writer: ArchiveWriter, name: str, key: Ed25519PrivateKey) -> None:
    """Put the list of *writer*'s files behind them, and the signature of the log called *name*."""
    sums = "".join(f"{writer.sums[each]}  {each}\n" for each in sorted(writer.sums)).encode()
    writer.add(SUMS, sums)
    writer.add(SEAL, sign_text(_sealed(name, sums), name, key).encode())


def read_json(archive: Archive, name: str, findings: Findings) -> Any:
    """What the JSON file *name* says; None, with a fault, where it is missing or has not its one form."""
    try:
        octets = archive.read(name)
        value = orjson.loads(octets)
        if as_file(value) != octets:
            raise ArchiveRefused("it is not in the one form that its content has (RFC 8785)")
    except (ValueError, TypeError, RecursionError) as error:
        findings.fault(name, error)
        return None
    return value


def read_about(archive: Archive, findings: Findings) -> About | None:
    """What the bundle says it is; None, with a fault, where that cannot be read."""
    found = read_json(archive, ABOUT, findings)
    if found is None:
        return None
    try:
        licensee, period = found["licensee"], found["period"]
        about = About(
            licensee["id"], licensee["name"], period["name"], period["since_us"], period["until_us"], found["log"],
            found["records"], found.get("site", ""),
        )  # fmt: skip
        fits = about.as_json() == found and all(
            isinstance(getattr(about, name), kind) for name, kind in _ABOUT.items()
        )
    except (KeyError, TypeError):
        fits = False
    if not fits:
        findings.fault(ABOUT, f"it is not what a bundle of the format {FORMAT} says of itself")
        return None
    return about


_ABOUT: Final[Mapping[str, type]] = {
    "licensee": str, "name": str, "period": str, "since_us": int, "until_us": int, "log": str, "records": int,
    "site": str,
}  # fmt: skip


def own_key(archive: Archive) -> LogKey:
    """The log's key as the bundle itself tells it, which proves nothing to whoever has it from there alone.

    Raises `CheckpointRefused`.
    """
    try:
        return LogKey.read(archive.read(LOG_KEY).decode())
    except ArchiveRefused as error:
        raise CheckpointRefused(f"{LOG_KEY}: {error}") from None
    except UnicodeDecodeError:
        raise CheckpointRefused(f"{LOG_KEY}: it is no text") from None


def check_files(archive: Archive, key: LogKey, findings: Findings) -> None:
    """Whether the seal is *key*'s and every file is what the list says, none missing, none beside it."""
    for fault in archive.faults:
        name, _, why = fault.partition(": ")
        findings.fault(name, why)
    sums = _sums(archive, key, findings)
    for name in archive:
        if name in {SUMS, SEAL}:
            continue
        findings.count("files")
        try:
            digest = hashlib.sha256(archive.read(name)).hexdigest()
        except ArchiveRefused as error:
            findings.fault(name, error)
            continue
        if sums is not None and sums.get(name) != digest:
            findings.fault(
                name, "it is not what SHA256SUMS says" if name in sums else "SHA256SUMS does not have it"
            )
    broken = {fault.partition(": ")[0] for fault in archive.faults}
    for name in sorted((sums or {}).keys() - set(archive) - broken):
        findings.fault(name, "it is missing")
    try:
        told = own_key(archive)
        if told.vkey != key.vkey:
            findings.fault(LOG_KEY, "it is another key than the one that was given")
    except CheckpointRefused as error:
        findings.fault(LOG_KEY, error)


def check_names(archive: Archive, papers: Iterable[re.Pattern[str]], findings: Findings) -> None:
    """Whether every file has a name by which it is looked at: one of the table above, or one that *papers* match."""
    known = (*papers, _RECEIPTS, _PROOF)
    for name in archive:
        if name not in _OWN and not any(each.fullmatch(name) for each in known):
            findings.fault(name, "no file of a bundle has that name; nobody looked at it")


def check_head(archive: Archive, key: LogKey, findings: Findings) -> Checkpoint | None:
    """The head that all proofs lead to, if it is signed by *key*."""
    try:
        note = archive.read(CHECKPOINT).decode("utf-8", "surrogateescape")
        return read(note, key)
    except (ArchiveRefused, CheckpointRefused) as error:
        findings.fault(CHECKPOINT, error)
        return None


def check_records(
    archive: Archive, key: LogKey, about: About | None, findings: Findings, seen: Callable[[Proven], None]
) -> None:
    """Whether every receipt proves a record of that licensee and month, once; tells *seen* of each that does."""
    note = archive.read(CHECKPOINT).decode("utf-8", "surrogateescape") if CHECKPOINT in archive else ""
    batches = [name for name in archive if _RECEIPTS.fullmatch(name)]
    proofs = {name for name in archive if _PROOF.fullmatch(name)}
    known: set[int] = set()
    for nth, name in enumerate(batches, 1):
        if name != receipts_name(nth):
            findings.fault(receipts_name(nth), "it is missing")
        document = read_json(archive, name, findings)
        if document is None:
            continue
        if not isinstance(document, dict) or document.get("checkpoint") != note:
            findings.fault(name, "its head is not the bundle's")
        for row, proven in _proven(document, name, key, findings):
            place = f"{name}, record {_one_line(proven.entry.id)}"
            findings.count("records")
            if proven.index in known:
                findings.fault(place, "it stands there twice")
                continue
            known.add(proven.index)
            why = _not_of(proven, about)
            if why:
                findings.fault(place, why)
                continue
            alone = proof_name(proven.index)
            if alone in proofs:
                proofs.discard(alone)
                _check_proof(archive, alone, tlog_proof_of(row, note), findings)
            elif about is not None and about.records <= MOST_PROOFS:
                findings.fault(alone, "it is missing")
            seen(proven)
    for name in sorted(proofs):
        findings.fault(name, "it proves no record of this bundle")
    if about is not None and len(known) != about.records:
        findings.fault(ABOUT, f"it tells of {about.records} records, and {len(known)} are proven")


def _proven(
    document: Any, name: str, key: LogKey, findings: Findings
) -> Iterator[tuple[Mapping[str, Any], Proven]]:
    """Each row of *document* that proves something, with what; a fault for each that does not."""
    try:
        yield from zip(document["receipts"], verify(document, key), strict=True)
        return
    except (ReceiptRefused, TypeError, KeyError) as error:
        rows = document.get("receipts") if isinstance(document, dict) else None
        if not isinstance(rows, list) or not 0 < len(rows) <= BATCH:
            findings.fault(name, error)
            return
    for nth, row in enumerate(rows):
        try:
            yield row, verify({**document, "receipts": [row]}, key)[0]
        except ReceiptRefused as error:
            findings.fault(name, str(error).replace("receipt 0", f"receipt {nth}"))


def _not_of(proven: Proven, about: About | None) -> str:
    """Why the record does not belong into the bundle, or ""."""
    if about is None:
        return ""
    if getattr(proven.entry, "licensee", "") != about.licensee:
        return "it is of another licensee"
    if not about.since_us <= proven.entry.time_us < about.until_us:
        return "it is of another period"
    if about.site and proven.entry.site != about.site:
        return "it is of another site"
    return ""


def _check_proof(archive: Archive, name: str, expected: str, findings: Findings) -> None:
    findings.count("proofs")
    try:
        if archive.read(name) != expected.encode("utf-8", "surrogateescape"):
            findings.fault(name, "it does not prove what the receipt of that record does")
    except ArchiveRefused:
        pass  # it was named with the files


def _sums(archive: Archive, key: LogKey, findings: Findings) -> dict[str, str] | None:
    """What the list says, by name; None where there is none that can be read."""
    try:
        octets = archive.read(SUMS)
        lines = [_LINE.fullmatch(line) for line in octets.decode("ascii").split("\n")[:-1]]
    except (ArchiveRefused, UnicodeDecodeError) as error:
        findings.fault(SUMS, error)
        return None
    found = {line[2]: line[1] for line in lines if line}
    if not octets.endswith(b"\n") or len(found) != len(lines) or list(found) != sorted(found):
        findings.fault(SUMS, "it is no list as sha256sum writes it, sorted, each file once")
    try:
        if read_text(archive.read(SEAL).decode("utf-8", "surrogateescape"), key) != _sealed(key.name, octets):
            findings.fault(SEAL, "it is signed, and of another list of files")
    except (ArchiveRefused, CheckpointRefused) as error:
        findings.fault(SEAL, error)
    return found


def _sealed(name: str, sums: bytes) -> str:
    digest = base64.b64encode(hashlib.sha256(sums).digest()).decode()
    return f"{FORMAT}\n{name}\n{digest}\n"


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:500])
