"""`licet journal bundle` and `licet audit`: a month of one licensee as evidence, and the check of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.proofs import Key, own_key, read_key
from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, tell

if TYPE_CHECKING:
    from gateway.billing.bundle_papers import Audited
    from gateway.cli.books import Books
    from gateway.desk.bundling import Log, Sources
    from gateway.provenance.checkpoint import LogKey
    from gateway.provenance.evidence_bundle import About


def bundle(
    licensee: Annotated[
        str, typer.Option(metavar="ID", help="Id of the licensee; `licet licensee list` shows them.")
    ],
    period: Annotated[str, typer.Option(metavar="MONTH", help="A month, such as 2026-11 (UTC).")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it; a zip, whatever its name.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write a licensee's month as evidence for an auditor.

    One archive: every record of the month with its proof under one signed head,
    the statement, licenses, contracts with how they were accepted, usage
    reports, the terms that were published, and the public keys. `licet audit`
    checks it without the gateway, and so can programs of others: README.txt in
    it says how. No addresses of crawlers and no floor prices are in it. The
    same content gives the same octets.

    \b
    licet journal bundle --licensee le_01a2… --period 2026-11 --out november.zip
    """
    from gateway.billing.statements import Period, PeriodError, StatementDisagrees
    from gateway.desk.bundling import NotBundled
    from gateway.provenance.archive import ArchiveRefused
    from gateway.provenance.public_log import LogRefused

    try:
        month = Period.parse(period)
    except PeriodError as error:
        raise stop(f"--period: {error}") from None

    async def act() -> About:
        from gateway.cli.books import open_books

        async with open_books(data) as books, _log(books) as log:
            found = await books.register.licensee(licensee)
            if found is None:
                raise stop(f"there is no licensee {licensee!r}; `licet licensee list` shows them", 1)
            from gateway.desk.bundling import write_bundle

            beside = out.with_name(f"{out.name}.new")
            try:
                with beside.open("wb") as file:
                    about = await write_bundle(file, found, month, _sources(books), log)
                beside.replace(out)
            finally:
                beside.unlink(missing_ok=True)
            return about

    try:
        about = asyncio.run(act())
    except (NotBundled, LogRefused, StatementDisagrees, ArchiveRefused) as error:
        raise stop(str(error), 1) from None
    if as_json:
        emit({"file": str(out), "octets": out.stat().st_size, **about.as_json()})
        return
    print(
        f"{out}: {counted(about.records, 'record')} of {about.name}, {about.period}, under the head of the log"
    )
    tell("Whoever checks it needs the log's key from elsewhere: /.licet/log/key of the site tells it.")


def audit(
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="What `licet journal bundle` wrote.")],
    key: Key = "",
    licensee: Annotated[str, typer.Option(metavar="ID", help="Whose it must be.")] = "",
    period: Annotated[str, typer.Option(metavar="MONTH", help="Of which month it must be.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check an evidence bundle, offline.

    Needs the file and the log's key, and asks nobody. Every file is held against
    the sealed list, every record against the log's head, the statement against
    the records, licenses, contracts and reports against each other. Exit 1 where
    anything does not hold; each thing is named. Without --key it is checked
    against the key in the bundle: then it shows that it is of one piece, and not
    whose it is.

    \b
    licet audit november.zip --key journal.example/.licet/log+1a2b3c4d+AZ…
    """
    from gateway.billing.bundle_papers import audit_bundle
    from gateway.provenance.archive import ArchiveRefused, open_archive
    from gateway.provenance.checkpoint import CheckpointRefused
    from gateway.provenance.evidence_bundle import own_key as key_inside

    given = read_key(key) if key else None
    try:
        with open_archive(file) as archive:
            log = given or key_inside(archive)
            found = audit_bundle(archive, log)
        for what, wanted, has in (
            ("licensee", licensee, found.about.licensee if found.about else ""),
            ("period", period, found.about.period if found.about else ""),
        ):
            if wanted and wanted != has:
                found.findings.fault(
                    "about.json", f"the {what} is {has or 'unknown'}, and {wanted} was asked for"
                )
    except (ArchiveRefused, CheckpointRefused) as error:
        if as_json:
            emit({"good": False, "faults": [str(error)]})
        raise stop(f"{file} is no evidence bundle: {error}", 1) from None
    if as_json:
        emit(_as_json(found, log, trusted=given is not None))
    else:
        for line in _lines(found, log, trusted=given is not None):
            print(line)
    raise typer.Exit(0 if found.findings.ok else 1)


def _as_json(found: Audited, log: LogKey, *, trusted: bool) -> dict[str, Any]:
    findings = found.findings
    return {
        "good": findings.ok,
        "key": log.vkey,
        "key_given": trusted,
        "about": found.about.as_json() if found.about else None,
        "checked": findings.checked,
        "faults": findings.faults,
        "fault_count": findings.fault_count,
        "notes": findings.notes,
    }


_COUNTED = {
    "files": ("file", "files", "as the sealed list has them"),
    "heads": ("head", "heads", "signed by the log"),
    "records": ("record", "records", "in the log, under that head"),
    "proofs": ("proof", "proofs", "as others read them (.tlog-proof)"),
    "statements": ("statement", "statements", "added up again from the records"),
    "licenses": ("license", "licenses", "whose terms have their hash"),
    "contracts": ("contract", "contracts", "with the whole transcript"),
    "signatures": ("agreement", "agreements", "signed by the gateway"),
    "reports": ("report", "reports", "as handed in"),
    "terms": ("version", "versions", "of the published terms"),
}


def _lines(found: Audited, log: LogKey, *, trusted: bool) -> list[str]:
    findings, about = found.findings, found.about
    told = []
    if about is not None:
        name = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in about.name)
        told.append(f"bundle   {name} ({about.licensee}), {about.period}")
    told.append(f"key      {log.vkey}")
    if not trusted:
        told.append("         of the bundle itself: whose it is, only the key from elsewhere shows (--key)")
    for what, (one, more, how) in _COUNTED.items():
        if what in findings.checked:
            told.append(f"checked  {counted(findings.checked[what], one, more)} {how}")
    if found.statement is not None and findings.ok:
        told += [f"charged  {total.charged}" for total in found.statement.totals]
    told += [f"note     {each}" for each in findings.notes]
    told += [f"WRONG    {each}" for each in findings.faults]
    if findings.fault_count > len(findings.faults):
        told.append(f"WRONG    and {findings.fault_count - len(findings.faults)} more")
    good = "good: all of it holds; that no record was left out, a bundle cannot show"
    return [*told, good if findings.ok else f"NOT GOOD: {counted(findings.fault_count, 'fault')}"]


def _sources(books: Books) -> Sources:
    from gateway.desk.bundling import Sources
    from gateway.keys.key_ring import KeyRing
    from gateway.store.sqlite.duties import SqliteDuties
    from gateway.store.sqlite.leaves import SqliteLeaves
    from gateway.store.sqlite.negotiations import SqliteNegotiations
    from gateway.store.sqlite.terms_versions import SqliteTermsVersions

    ring = KeyRing.open(books.folder / "keys" / "tokens", books.clock)
    return Sources(
        SqliteLeaves(books.database),
        books.ledger,
        books.register,
        SqliteNegotiations(books.database),
        SqliteDuties(books.database),
        SqliteTermsVersions(books.database),
        tuple(record.public for record in ring.list()),
    )


@contextlib.asynccontextmanager
async def _log(books: Books) -> AsyncIterator[Log]:
    """The log of a data folder at its last head; without a running gateway what is new is signed first."""
    from gateway.app.log_keeping import LogKeeping
    from gateway.desk.bundling import Log
    from gateway.keys.key_ring import KeyRing
    from gateway.provenance.keeper import KeeperLock
    from gateway.provenance.public_log import last_signed, tree
    from gateway.store.sqlite.leaves import SqliteLeaves

    folder, key = books.folder / "log", own_key(books.folder)
    if key is None:
        raise stop(f"{books.folder} has no log yet; a running gateway begins it", 1)
    ring = KeyRing.open(books.folder / "keys" / "log", books.clock)
    lock = KeeperLock.try_take(books.folder)
    try:
        if lock is not None:
            keeping = LogKeeping(folder, ring, SqliteLeaves(books.database), key.name)
            await keeping.sign_news()
            if keeping.reason:
                raise stop(keeping.reason, 1)
        signed = last_signed(folder, key)
        if signed is None:
            raise stop("nothing was logged yet; a running gateway signs what is new every second", 1)
        private: Any = ring.current.key
        yield Log(key, signed, tree(folder, signed.head.size), private)
    finally:
        if lock is not None:
            lock.release()
