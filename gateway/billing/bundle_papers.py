"""The papers of an evidence bundle: statement, licenses, contracts, reports and published terms, held against its records.

What `provenance.evidence_bundle` proves are records; here it is asked whether
the papers follow from them. Sums are made anew, line by line, and not by the
code that made the statement.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from gateway.billing.statements import Statement, read_statement
from gateway.canonical import canonical_bytes, canonical_digest
from gateway.keys.jws import read_compact, signature_holds
from gateway.keys.key_set import KeySet
from gateway.keys.strict_json import Malformed
from gateway.licenses.license import BY_FETCH
from gateway.licenses.negotiation import Entry, Side, chained
from gateway.licenses.transparency import TransparencyReport
from gateway.provenance.archive import Archive, ArchiveRefused, file_part
from gateway.provenance.checkpoint import LogKey
from gateway.provenance.evidence_bundle import (
    SIGNING_KEYS,
    STATEMENT,
    About,
    Findings,
    check_files,
    check_head,
    check_names,
    check_records,
    read_about,
    read_json,
)
from gateway.provenance.receipts import Proven
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.terms.terms_json import UnreadableTerms, terms_of

AGREEMENT: Final = "licet-agreement+jws"
_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_LICENSE: Final = re.compile(rf"licenses/({_PART})\.json", re.ASCII)
_CONTRACT: Final = re.compile(rf"contracts/({_PART})\.json", re.ASCII)
_TRANSCRIPT: Final = re.compile(rf"contracts/({_PART})\.transcript\.json", re.ASCII)
_REPORT: Final = re.compile(rf"reports/{_PART}/([0-9a-f]{{64}})\.json", re.ASCII)
_TERMS: Final = re.compile(rf"terms/({_PART})/([0-9a-f]{{64}})\.json", re.ASCII)
_HISTORY: Final = re.compile(rf"terms/({_PART})/history\.json", re.ASCII)
_HANDED_IN: Final = re.compile(rf"reports/({_PART})/handed-in\.json", re.ASCII)
_KNOWN: Final = (_LICENSE, _CONTRACT, _REPORT, _TERMS, _HISTORY, _HANDED_IN)


@dataclass
class Sums:
    """What the proven records come to: licensed fetches by currency, license, work and reason, and book entries."""

    charges: dict[tuple[str, str, str, str], tuple[int, int]] = field(default_factory=dict)
    books: dict[str, BookEntry] = field(default_factory=dict)
    terms: dict[str, set[str]] = field(default_factory=dict)
    first: int = 0
    last: int = 0

    def add(self, proven: Proven) -> None:
        """Take one record up."""
        entry, seq = proven.entry, proven.index + 1
        self.first, self.last = min(self.first or seq, seq), max(self.last, seq)
        if isinstance(entry, BookEntry):
            self.books[entry.id] = entry
        elif isinstance(entry, FetchRecord) and entry.is_paid:
            key = (entry.currency, entry.license, entry.work, entry.charge_reason)
            count, micros = self.charges.get(key, (0, 0))
            self.charges[key] = (count + 1, micros + entry.charged_micros)
            self.terms.setdefault(entry.license, set()).add(entry.terms)


@dataclass(frozen=True, slots=True)
class Audited:
    """What a bundle says it is, None where that cannot be read, and what was found."""

    about: About | None
    findings: Findings
    statement: Statement | None


def audit_bundle(archive: Archive, key: LogKey) -> Audited:
    """Hold everything in *archive* against everything else, and all of it against the log's *key*. Never raises."""
    findings, sums = Findings(), Sums()
    check_files(archive, key, findings)
    check_names(archive, _KNOWN, findings)
    about = read_about(archive, findings)
    if about is not None and about.log != key.vkey:
        findings.fault("about.json", "it is of another log than that of the key")
    if check_head(archive, key, findings) is not None:
        findings.count("heads")
        check_records(archive, key, about, findings, sums.add)
    statement = _check_statement(archive, about, sums, findings)
    licenses = _check_licenses(archive, about, sums, findings)
    _check_contracts(archive, licenses, findings)
    _check_reports(archive, licenses, findings)
    _check_terms(archive, licenses, findings)
    return Audited(about, findings, statement)


def _check_statement(
    archive: Archive, about: About | None, sums: Sums, findings: Findings
) -> Statement | None:
    name = f"{STATEMENT}.json"
    if about is not None and about.site:
        for each in archive:
            if each.startswith(f"{STATEMENT}."):
                findings.fault(each, "a bundle of one site has no statement")
        return None
    try:
        found = read_statement(archive.read(name).decode().removesuffix("\n"))
    except (ArchiveRefused, ValueError) as error:
        findings.fault(name, error)
        return None
    findings.count("statements")
    for ending, text in (("csv", found.as_csv()), ("txt", found.as_text())):
        try:
            if archive.read(f"{STATEMENT}.{ending}") != text.encode():
                findings.fault(f"{STATEMENT}.{ending}", "it does not say what statement.json says")
        except ArchiveRefused as error:
            findings.fault(f"{STATEMENT}.{ending}", error)
    if about is not None and (found.licensee, found.name, found.period.name) != (
        about.licensee, about.name, about.period,
    ):  # fmt: skip
        findings.fault(name, "it is of another licensee or period")
    if (found.first_seq, found.last_seq) != (sums.first, sums.last):
        findings.fault(name, "it begins or ends at another record than those that are proven")
    told = {
        (line.amount.currency, line.license, line.work, line.reason): (line.fetches, line.amount.micros)
        for line in found.charges
    }
    for key in sorted(told.keys() | sums.charges.keys()):
        said, proven = told.get(key, (0, 0)), sums.charges.get(key, (0, 0))
        if said != proven:
            currency, license, work, reason = key
            findings.fault(
                name,
                f"under {license} it bills {said[0]} fetches ({reason or '-'}, work {work or '-'}) for {said[1]}"
                f" micro-{currency or 'units'}, and {proven[0]} for {proven[1]} are proven",
            )
    if len(told) != len(found.charges):
        findings.fault(name, "it bills one thing in two lines")
    _check_books(found, sums, name, findings)
    _check_totals(found, name, findings)
    return found


def _check_books(found: Statement, sums: Sums, name: str, findings: Findings) -> None:
    told = {line.entry_id: line for line in found.books}
    for id in sorted(told.keys() | sums.books.keys()):
        line, entry = told.get(id), sums.books.get(id)
        if line is None or entry is None:
            findings.fault(
                name, f"it has the book entry {id}, which is not proven" if line else f"it lacks {id}"
            )
            continue
        amount = entry.amount_micros
        allowed = {"credit": {amount}, "fee": {-amount}, "payment": {-amount}}.get(
            entry.kind_of, {amount, -amount, 0}
        )
        said = (line.time_us, line.kind, line.license, line.memo, line.effect.currency)
        if said != (entry.time_us, entry.kind_of, entry.license, entry.memo, entry.currency) or (
            line.effect.micros not in allowed
        ):
            findings.fault(name, f"of the book entry {id} it says something else than the record")
    if len(told) != len(found.books):
        findings.fault(name, "it has a book entry twice")


def _check_totals(found: Statement, name: str, findings: Findings) -> None:
    currencies = {line.amount.currency for line in found.charges} | {
        line.effect.currency for line in found.books
    }
    if not currencies <= {total.opening.currency for total in found.totals}:
        findings.fault(name, "it has no total in a currency that it bills")
    for total in found.totals:
        currency = total.opening.currency
        effects = [
            (line.kind, line.effect.micros) for line in found.books if line.effect.currency == currency
        ]
        credited = sum(micros for kind, micros in effects if kind == "credit")
        charged = sum(line.amount.micros for line in found.charges if line.amount.currency == currency)
        charged -= sum(micros for kind, micros in effects if kind in {"fee", "payment"})
        corrected = sum(micros for kind, micros in effects if kind not in {"credit", "fee", "payment"})
        closing = total.opening.micros + credited - charged + corrected
        if (total.credited.micros, total.charged.micros, total.corrected.micros, total.closing.micros) != (
            credited, charged, corrected, closing,
        ):  # fmt: skip
            findings.fault(name, f"its totals in {currency or 'no currency'} are not the sums of its lines")


def _check_licenses(
    archive: Archive, about: About | None, sums: Sums, findings: Findings
) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for name in archive:
        if not _LICENSE.fullmatch(name):
            continue
        document = read_json(archive, name, findings)
        if document is None:
            continue
        try:
            id, terms_hash = str(document["id"]), str(document["terms_hash"])
            terms_of(document["terms"], terms_hash)
            licensee = document["licensee"]
        except (UnreadableTerms, KeyError, TypeError) as error:
            findings.fault(name, f"it is no license: {error}")
            continue
        findings.count("licenses")
        found[id] = document
        part = file_part(id)
        if document.get("contract") and f"contracts/{part}.json" not in archive:
            findings.fault(f"contracts/{part}.json", "the license was agreed by it, and it is missing")
        if name != f"licenses/{part}.json":
            findings.fault(name, "it is another license than its name says")
        if about is not None and licensee != about.licensee:
            findings.fault(name, "it is of another licensee")
        if about is not None and about.site and document.get("site") != about.site:
            findings.fault(name, "it is of another site")
        for other in sorted(sums.terms.get(id, set()) - {terms_hash}):
            findings.fault(name, f"records under it name the terms {other}, and it has {terms_hash}")
    for id in sorted(sums.terms.keys() - found.keys()):
        # Whoever pays for one fetch holds nothing that could stand here.
        if id and not id.startswith(BY_FETCH):
            findings.fault(f"licenses/{id}.json", "records name this license, and it is missing")
    return found


def _check_contracts(archive: Archive, licenses: Mapping[str, Mapping[str, Any]], findings: Findings) -> None:
    keys: KeySet | None = None
    try:
        read = KeySet.parse(archive.read(SIGNING_KEYS))
        keys = read if isinstance(read, KeySet) else None
        if keys is None:
            findings.fault(SIGNING_KEYS, "it is no set of keys")
    except ArchiveRefused as error:
        findings.fault(SIGNING_KEYS, error)
    for name in archive:
        if _TRANSCRIPT.fullmatch(name) and name.replace(".transcript", "") not in archive:
            findings.fault(name, "its contract is missing")
        if not _CONTRACT.fullmatch(name) or _TRANSCRIPT.fullmatch(name):
            continue
        contract = read_json(archive, name, findings)
        told = read_json(archive, name.replace(".json", ".transcript.json"), findings)
        if contract is None or told is None:
            continue
        try:
            transcript = tuple(_entry(row) for row in told["transcript"])
            if not chained(transcript):
                raise ValueError("the transcript is not whole")
            findings.count("contracts")
            why = _not_agreed(contract, transcript, licenses)
            if why:
                findings.fault(name, why)
            _check_signature(name, transcript, contract, keys, findings)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            findings.fault(name, f"it cannot be followed: {error}")


def _entry(row: Mapping[str, Any]) -> Entry:
    nth, at, act, previous = row["nth"], row["at"], row["act"], row["previous"]
    if (
        type(nth) is not int
        or type(at) is not int
        or not isinstance(act, str)
        or not isinstance(previous, str)
    ):
        raise TypeError("an entry of the transcript is none")
    return Entry(nth, at, Side(row["by"]), act, canonical_bytes(row["body"]).decode(), previous)


def _not_agreed(
    contract: Mapping[str, Any], transcript: tuple[Entry, ...], licenses: Mapping[str, Mapping[str, Any]]
) -> str:
    """Why the transcript does not show that *contract* was agreed, or ""."""
    acceptance, agreement = _last(transcript, "acceptance"), _last(transcript, "agreement")
    license = licenses.get(contract["id"], {})
    if license.get("contract") != canonical_digest(contract):
        return "it is not the contract that the license names"
    terms_of(contract["terms"], contract["terms_hash"])
    hashes = {contract["terms_hash"], acceptance["terms_hash"], agreement["terms_hash"]}
    if len(hashes | {license["terms_hash"]}) != 1:
        return "its terms are not those that were accepted, agreed and licensed"
    if agreement["license"] != contract["id"] or agreement["contract"] != canonical_digest(contract):
        return "it is not the document that the transcript says was agreed"
    evidence = contract["evidence"]
    if not evidence or evidence["assent"] != acceptance["assent"]:
        return "its words of assent are not those of the transcript"
    return ""


def _last(transcript: tuple[Entry, ...], act: str) -> dict[str, Any]:
    for entry in reversed(transcript):
        if entry.act == act:
            found: dict[str, Any] = orjson.loads(entry.body)
            return found
    raise ValueError(f"the transcript has no {act}")


def _check_signature(
    name: str,
    transcript: tuple[Entry, ...],
    contract: Mapping[str, Any],
    keys: KeySet | None,
    findings: Findings,
) -> None:
    try:
        compact = read_compact(_last(transcript, "agreement")["signature"])
    except Malformed as error:
        findings.fault(name, f"the signature of the agreement cannot be read: {error}")
        return
    key = keys.get(compact.kid) if keys is not None else None
    if key is None:
        findings.notes.append(
            f"{name}: signed with the key {compact.kid}, which the gateway has forgotten; not checked"
        )
        return
    if compact.typ != AGREEMENT or not signature_holds(compact, key):
        findings.fault(name, "the signature of the agreement does not hold")
        return
    said = orjson.loads(compact.payload)
    if (said["license"], said["terms_hash"], said["contract"]) != (
        contract["id"], contract["terms_hash"], canonical_digest(contract),
    ):  # fmt: skip
        findings.fault(name, "what was signed is another agreement")
    findings.count("signatures")


def _check_reports(archive: Archive, licenses: Mapping[str, Mapping[str, Any]], findings: Findings) -> None:
    found: dict[str, set[str]] = {}
    for name in archive:
        matched = _REPORT.fullmatch(name)
        if matched is None:
            continue
        part = name.split("/")[1]
        found.setdefault(part, set()).add(matched[1])
        try:
            octets = archive.read(name)
            report = TransparencyReport.kept(octets.decode())
        except (ArchiveRefused, ValueError) as error:
            findings.fault(name, f"it is no report: {str(error).partition(chr(10))[0]}")
            continue
        findings.count("reports")
        if hashlib.sha256(octets).hexdigest() != matched[1]:
            findings.fault(name, "it is not the report of that name")
        if part != file_part(report.license):
            findings.fault(name, "it is of another license")
    told = {file_part(id): _names(license.get("reports")) for id, license in licenses.items()}
    for part in sorted(told.keys() | found.keys()):
        handed_in = f"reports/{part}/handed-in.json"
        named = told.get(part, set())
        for missing in sorted(named - found.get(part, set())):
            findings.fault(f"reports/{part}/{missing}.json", "it was handed in, and is missing")
        for extra in sorted(found.get(part, set()) - named):
            findings.fault(f"reports/{part}/{extra}.json", "no license of this bundle names it")
        if named:
            rows = read_json(archive, handed_in, findings) or ()
            if (
                not isinstance(rows, list)
                or {row.get("sha256") for row in rows if isinstance(row, dict)} != named
            ):
                findings.fault(handed_in, "it does not list the reports that the license names")


def _names(value: object) -> set[str]:
    """Texts in a list that somebody wrote; what is none is left out."""
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()


def _check_terms(archive: Archive, licenses: Mapping[str, Mapping[str, Any]], findings: Findings) -> None:
    kept: dict[str, set[str]] = {}
    for name in archive:
        matched = _TERMS.fullmatch(name)
        if matched is None:
            continue
        findings.count("terms")
        kept.setdefault(matched[1], set()).add(matched[2])
        try:
            if hashlib.sha256(archive.read(name)).hexdigest() != matched[2]:
                findings.fault(name, "these are not the terms of that name")
        except ArchiveRefused:
            pass  # it was named with the files
    for name in archive:
        matched = _HISTORY.fullmatch(name)
        if matched is None:
            continue
        try:
            named = {row["name"] for row in read_json(archive, name, findings) or ()}
        except (TypeError, KeyError):
            findings.fault(name, "it is no history of terms")
            continue
        for missing in sorted(named - kept.pop(matched[1], set())):
            findings.fault(f"terms/{matched[1]}/{missing}.json", "they were in force, and are missing")
    sites = {file_part(site) for each in licenses.values() if isinstance(site := each.get("site"), str)}
    for site in sorted(set(kept) | {each for each in sites if f"terms/{each}/history.json" not in archive}):
        findings.fault(f"terms/{site}/history.json", "it is missing")
