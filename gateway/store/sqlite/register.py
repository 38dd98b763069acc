"""`licenses.register.LicenseRegister` on SQLite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import apsw
import orjson

from gateway.event import Event
from gateway.licenses.exclusivity import Conflict, conflict
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.revocations import Revocations
from gateway.licenses.suspension import Suspension
from gateway.store.revoking import KINDS, lifted_at, snapshot
from gateway.store.sqlite import suspending
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events
from gateway.store.terms_json import read_terms, write_terms
from gateway.tokens.claims import Budget

_LICENSEE: Final = "id, name, standing, created_at, contact, country, evidence"
_CLIENT: Final = (
    "id, licensee, secret_sha256, created_at, name, uri, contacts, signs, metadata, access_sha256,"
    " older_sha256, older_until"
)
_LICENSE: Final = (
    "id, licensee, site, offer, terms, terms_hash, policy, starts_at, ends_at,"
    " budget_micros, budget_fetches, crawlers"
)
#: What both tables of versions have.
COLUMNS: Final = f"{_LICENSE}, exclusive"
#: Every version of every license, under the name of the first ones' table.
_VERSIONS: Final = "license_terms AS licenses"
#: What tokens may still name and holds no more. None lives for two days.
_SUPERSEDED: Final = (
    "SELECT id, terms_hash FROM license_terms AS gone WHERE ended_at > 0 AND ended_at > max("
    "coalesce((SELECT max(ended_at) FROM licenses WHERE ended_at > 0), 0),"
    " coalesce((SELECT max(ended_at) FROM later_versions WHERE ended_at > 0), 0)) - 172800"
    " AND NOT EXISTS (SELECT 1 FROM license_terms WHERE id = gone.id AND terms_hash = gone.terms_hash"
    " AND ended_at = 0)"
)
_REVOKE: Final = (
    "INSERT INTO revocations (kind, subject, at, until) VALUES (?, ?, ?, ?) ON CONFLICT (kind, subject) DO UPDATE"
    " SET at = max(revocations.at, excluded.at), until = CASE WHEN revocations.until = 0 OR excluded.until = 0 THEN 0"
    " ELSE max(revocations.until, excluded.until) END"
)


class SqliteRegister:
    """Licensees, clients, licenses and revocations in one file."""

    def __init__(self, database: Database) -> None:
        """Keep everything in *database*."""
        self._database = database

    async def add_licensee(self, licensee: Licensee, client: Client) -> None:
        """Keep a new licensee with its first client; `ValueError` if either id exists."""
        if client.licensee != licensee.id:
            raise ValueError(f"client {client.id} is not of licensee {licensee.id}")
        await self._database.write(lambda db: _add(db, licensee, client))

    async def licensee(self, licensee_id: str) -> Licensee | None:
        """The licensee of that id."""
        return await self._database.read(lambda db: _licensee(db, licensee_id))

    async def licensees(self) -> tuple[Licensee, ...]:
        """Every licensee, by name."""
        sql = f"SELECT {_LICENSEE} FROM licensees ORDER BY name, id"  # noqa: S608
        return await self._database.read(lambda db: tuple(_licensee_of(row) for row in db.execute(sql)))

    async def newest_licensees(self, most: int, behind: Licensee | None = None) -> tuple[Licensee, ...]:
        """Licensees, the last to register first; see the port."""
        beyond, values = _beyond("created_at", (behind.created_at, behind.id) if behind else None)
        sql = f"SELECT {_LICENSEE} FROM licensees {beyond} LIMIT ?"  # noqa: S608
        return await self._database.read(
            lambda db: tuple(_licensee_of(row) for row in db.execute(sql, (*values, most)))
        )

    async def standings(self) -> Mapping[Standing, int]:
        """How many there are of each standing."""
        sql = "SELECT standing, count(*) FROM licensees GROUP BY standing"
        rows = await self._database.read(lambda db: list(db.execute(sql)))
        return {Standing(str(standing)): int(count) for standing, count in rows}

    async def set_standing(self, licensee_id: str, standing: Standing, at: int) -> Licensee | None:
        """Approve or suspend from *at* on; None if there is no such licensee."""
        return await self._database.write(lambda db: _set_standing(db, licensee_id, standing, at))

    async def set_place(self, licensee_id: str, country: str, evidence: str) -> Licensee | None:
        """Keep where a licensee is; None if there is no such licensee."""

        def act(db: apsw.Connection) -> Licensee | None:
            db.execute(
                "UPDATE licensees SET country = ?, evidence = ? WHERE id = ?",
                (country, evidence, licensee_id),
            )
            return _licensee(db, licensee_id)

        return await self._database.write(act)

    async def client(self, client_id: str) -> tuple[Client, Licensee] | None:
        """A client and its licensee."""
        return await self._database.read(lambda db: _client(db, client_id))

    async def clients_of(self, licensee: str) -> tuple[Client, ...]:
        """Every client of *licensee*, the oldest first (`licenses.client_list.ClientList`)."""

        def act(db: apsw.Connection) -> tuple[Client, ...]:
            sql = "SELECT id FROM clients WHERE licensee = ? ORDER BY created_at, id"
            found = (_client(db, str(id)) for (id,) in db.execute(sql, (licensee,)).fetchall())
            return tuple(each[0] for each in found if each)

        return await self._database.read(act)

    async def change_client(self, client: Client) -> bool:
        """Keep *client* in place of the one with its id and licensee; False if there is none."""
        return await self._database.write(lambda db: _change(db, client))

    async def remove_client(self, client_id: str, at: int, until: int) -> bool:
        """Forget a client and revoke its tokens as of *at*; False if there is none."""

        def act(db: apsw.Connection) -> bool:
            db.execute("DELETE FROM clients WHERE id = ?", (client_id,))
            if not db.changes():
                return False
            _revoke(db, "client", client_id, at, until)
            return True

        return await self._database.write(act)

    async def grant(
        self, license: License, *, spent: Collection[str] = (), events: Sequence[Event] = ()
    ) -> License | Conflict:
        """Keep *license*, or return the live one that already says the same; see the port."""

        def act(db: apsw.Connection) -> License | Conflict:
            granted = _grant(db, license, spent)
            if granted is license:
                keep_events(db, events)
            return granted

        return await self._database.write(act)

    async def in_the_way(self, license: License) -> Conflict | None:
        """The license that shuts *license* out, if there is one."""
        return await self._database.read(lambda db: in_the_way(db, license))

    async def license(self, license_id: str) -> License | None:
        """The license of that id."""
        return await self._database.read(lambda db: license_by_id(db, license_id))

    async def licenses_of(self, licensee_id: str) -> tuple[License, ...]:
        """A licensee's licenses, newest first."""
        rest = "WHERE licensee = ? ORDER BY starts_at DESC, id DESC, version DESC"
        return await self._database.read(lambda db: licenses_where(db, rest, licensee_id))

    async def newest_licenses(
        self, most: int, behind: License | None = None
    ) -> tuple[tuple[License, ...], ...]:
        """Licenses with their versions, the last to begin first; see the port."""
        beyond, values = _beyond("starts_at", (behind.starts_at, behind.id) if behind else None)

        def act(db: apsw.Connection) -> tuple[tuple[License, ...], ...]:
            ids: Any = list(db.execute(f"SELECT id FROM licenses {beyond} LIMIT ?", (*values, most)))  # noqa: S608
            return tuple(licenses_where(db, "WHERE id = ? ORDER BY version", id) for (id,) in ids)

        return await self._database.read(act)

    async def licenses(self) -> int:
        """How many there are."""
        rows = await self._database.read(lambda db: list(db.execute("SELECT count(*) FROM licenses")))
        return int(rows[0][0])

    async def revoke(
        self, kind: str, subject: str, at: int, *, until: int = 0, events: Sequence[Event] = ()
    ) -> None:
        """Revoke from *at* on; `ValueError` for a kind that is none. Again, later, moves *at* on.

        What is safe to forget at *at* is forgotten on the way.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind} is nothing that can be revoked")

        def act(db: apsw.Connection) -> None:
            _revoke(db, kind, subject, at, until)
            keep_events(db, events)

        await self._database.write(act)

    async def suspend(self, license_id: str, cause: str, said: str, at: int) -> bool:
        """Put *cause* on a license; see the port."""

        def act(db: apsw.Connection) -> bool:
            found = license_by_id(db, license_id)
            return found is not None and suspending.suspend(db, found, cause, said, at)

        return await self._database.write(act)

    async def resume(self, license_id: str, cause: str, at: int) -> bool:
        """Lift *cause* from a license; False where it does not stand."""

        def act(db: apsw.Connection) -> bool:
            found = license_by_id(db, license_id)
            return found is not None and suspending.resume(db, found, cause, at)

        return await self._database.write(act)

    async def suspensions(self, license_id: str) -> tuple[Suspension, ...]:
        """Every cause that a license was ever suspended for, in order."""
        return await self._database.read(lambda db: suspending.suspensions(db, license_id))

    async def revocations(self) -> Revocations:
        """Everything revoked and suspended, as of this call."""

        def act(db: apsw.Connection) -> Revocations:
            rows: list[Any] = db.execute(
                "SELECT kind, subject, at FROM revocations ORDER BY kind, subject"
            ).fetchall()
            suspended: list[Any] = db.execute(
                "SELECT id FROM licensees WHERE standing = ?", (str(Standing.SUSPENDED),)
            ).fetchall()
            causes = suspending.standing_suspensions(db)
            over: list[Any] = db.execute(_SUPERSEDED).fetchall()
            return snapshot(rows, [licensee for (licensee,) in suspended], causes, over)

        return await self._database.read(act)


def _revoke(db: apsw.Connection, kind: str, subject: str, at: int, until: int) -> None:
    db.execute("DELETE FROM revocations WHERE until > 0 AND until < ?", (at,))
    db.execute(_REVOKE, (kind, subject, at, until))


def _add(db: apsw.Connection, licensee: Licensee, client: Client) -> None:
    db.execute(
        f"INSERT INTO licensees ({_LICENSEE}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",  # noqa: S608
        (
            licensee.id, licensee.name, str(licensee.standing), licensee.created_at, licensee.contact,
            licensee.country, licensee.evidence,
        ),
    )  # fmt: skip
    if not db.changes():
        raise ValueError(f"there is a licensee {licensee.id}")
    blanks = ", ".join("?" * len(_CLIENT.split(", ")))
    db.execute(
        f"INSERT INTO clients ({_CLIENT}) VALUES ({blanks}) ON CONFLICT DO NOTHING",  # noqa: S608
        _row_of(client),
    )
    if not db.changes():
        raise ValueError(f"there is a client {client.id}")


def _row_of(client: Client) -> tuple[str | int, ...]:
    return (
        client.id, client.licensee, client.secret_sha256, client.created_at, client.name, client.uri,
        orjson.dumps(client.contacts).decode(), int(client.signs), client.metadata, client.access_sha256,
        client.older_sha256, client.older_until,
    )  # fmt: skip


def _change(db: apsw.Connection, client: Client) -> bool:
    named = ", ".join(f"{name} = ?" for name in _CLIENT.split(", "))
    db.execute(
        f"UPDATE clients SET {named} WHERE id = ? AND licensee = ?",  # noqa: S608
        (*_row_of(client), client.id, client.licensee),
    )
    return bool(db.changes())


def _licensee(db: apsw.Connection, licensee_id: str) -> Licensee | None:
    row = db.execute(f"SELECT {_LICENSEE} FROM licensees WHERE id = ?", (licensee_id,)).fetchone()  # noqa: S608
    return _licensee_of(row) if row else None


def _beyond(column: str, behind: tuple[int, str] | None) -> tuple[str, tuple[int | str, ...]]:
    """The end of a statement that lists by a time in *column*, the last first, *behind* a place; and its values."""
    where = f"WHERE {column} <= ? AND ({column} < ? OR id > ?) " if behind else ""
    values = (behind[0], behind[0], behind[1]) if behind else ()
    return f"{where}ORDER BY {column} DESC, id", values


def _licensee_of(row: tuple[object, ...]) -> Licensee:
    id, name, standing, created_at, contact, country, evidence = row
    assert isinstance(created_at, int)
    return Licensee(
        str(id), str(name), Standing(str(standing)), created_at, str(contact), str(country), str(evidence)
    )


def _set_standing(db: apsw.Connection, licensee_id: str, standing: Standing, at: int) -> Licensee | None:
    before = _licensee(db, licensee_id)
    if before is None:
        return None
    db.execute("UPDATE licensees SET standing = ? WHERE id = ?", (str(standing), licensee_id))
    if standing is Standing.SUSPENDED:
        db.execute(_REVOKE, ("licensee", licensee_id, at, 0))
    elif before.standing is Standing.SUSPENDED:
        db.execute(_REVOKE, ("licensee", licensee_id, lifted_at(at), 0))
    return _licensee(db, licensee_id)


def _client(db: apsw.Connection, client_id: str) -> tuple[Client, Licensee] | None:
    row: Any = db.execute(f"SELECT {_CLIENT} FROM clients WHERE id = ?", (client_id,)).fetchone()  # noqa: S608
    if row is None:
        return None
    id, licensee_id, secret, created_at, name, uri, contacts, signs, *rest = row
    client = Client(
        id, licensee_id, secret, created_at, name, uri, tuple(orjson.loads(contacts)), bool(signs), *rest
    )
    licensee = _licensee(db, client.licensee)
    assert licensee is not None, "a foreign key holds it"
    return client, licensee


def _grant(db: apsw.Connection, license: License, spent: Collection[str]) -> License | Conflict:
    if _licensee(db, license.licensee) is None:
        raise ValueError(f"there is no licensee {license.licensee}")
    same = _one(
        db,
        "WHERE licensee = ? AND site = ? AND terms_hash = ? AND budget_micros IS NOT DISTINCT FROM ? AND budget_fetches IS NOT DISTINCT FROM ?"
        " AND crawlers = ? AND ends_at > ? AND (version = 1 OR starts_at <= ?)"
        " AND NOT EXISTS (SELECT 1 FROM revocations WHERE kind = 'license' AND subject = licenses.id)"
        " AND id NOT IN (SELECT value FROM json_each(?))"
        " ORDER BY ends_at DESC, id LIMIT 1",
        license.licensee,
        license.site,
        license.terms.hash,
        license.budget.micros,
        license.budget.fetches,
        _crawlers(license),
        license.starts_at,
        license.starts_at,
        orjson.dumps(list(spent)).decode(),
    )
    if same is not None:
        return same
    taken = in_the_way(db, license)
    if taken is not None:
        return taken
    db.execute(
        f"INSERT INTO licenses ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        " ON CONFLICT DO NOTHING",
        row_of_license(license),
    )
    if not db.changes():
        raise ValueError(f"there is another license {license.id}")
    return license


def row_of_license(license: License) -> tuple[str | int | None, ...]:
    """The values of `COLUMNS`."""
    return (
        license.id, license.licensee, license.site, license.offer, write_terms(license.terms),
        license.terms.hash, license.policy, license.starts_at, license.ends_at, license.budget.micros,
        license.budget.fetches, _crawlers(license), int(license.terms.exclusivity.exclusive),
    )  # fmt: skip


def in_the_way(db: apsw.Connection, license: License) -> Conflict | None:
    """What stands in the way; without an exclusive license on either side nothing is read but the index."""
    rivals = "" if license.terms.exclusivity.exclusive else " AND exclusive = 1"
    rows = db.execute(
        f"SELECT {_LICENSE}, version FROM {_VERSIONS} WHERE site = ? AND ends_at > ? AND starts_at < ? AND licensee <> ?{rivals}"  # noqa: S608
        " AND NOT EXISTS (SELECT 1 FROM revocations WHERE kind = 'license' AND subject = licenses.id)",
        (license.site, license.starts_at, license.ends_at, license.licensee),
    )
    return conflict(license, (license_of_row(row) for row in rows))


def _crawlers(license: License) -> str:
    return orjson.dumps(sorted(license.crawlers)).decode()


def license_by_id(db: apsw.Connection, license_id: str) -> License | None:
    """The license of that id, inside a transaction."""
    # The lowest number that is not over is in force, or the first to be; of what is over, the last.
    rest = "WHERE id = ? ORDER BY ended_at > 0, CASE WHEN ended_at = 0 THEN version ELSE -version END LIMIT 1"
    return _one(db, rest, license_id)


def licenses_where(db: apsw.Connection, rest: str, *values: str | int) -> tuple[License, ...]:
    """The versions of licenses that the end *rest* of a statement finds, inside a transaction."""
    rows = db.execute(f"SELECT {_LICENSE}, version FROM {_VERSIONS} {rest}", values)  # noqa: S608
    return tuple(license_of_row(row) for row in rows)


def _one(db: apsw.Connection, rest: str, *values: str | int | None) -> License | None:
    row = db.execute(f"SELECT {_LICENSE}, version FROM {_VERSIONS} {rest}", values).fetchone()  # noqa: S608
    return license_of_row(row) if row else None


def license_of_row(row: tuple[object, ...]) -> License:
    """The license of a row of `COLUMNS` without `exclusive`, and its version."""
    (
        id,
        licensee,
        site,
        offer,
        terms,
        terms_hash,
        policy,
        starts_at,
        ends_at,
        micros,
        fetches,
        crawlers,
        nth,
    ) = row
    assert isinstance(nth, int)
    assert isinstance(starts_at, int)
    assert isinstance(ends_at, int)
    assert isinstance(micros, int | None)
    assert isinstance(fetches, int | None)
    return License(
        id=str(id),
        licensee=str(licensee),
        site=str(site),
        offer=str(offer),
        terms=read_terms(str(terms), str(terms_hash)),
        policy=str(policy),
        starts_at=starts_at,
        ends_at=ends_at,
        budget=Budget(micros, fetches),
        crawlers=frozenset(orjson.loads(str(crawlers))),
        version=nth,
    )
