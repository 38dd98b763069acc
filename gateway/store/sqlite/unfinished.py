"""`licenses.unfinished.Unfinished` on SQLite."""

from __future__ import annotations

import orjson

from gateway.licenses.unfinished import Purchase
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.register import license_of_row, row_of_license


class SqliteUnfinished:
    """Keeps purchases until they are done, beside the register."""

    def __init__(self, database: Database) -> None:
        """Keep in *database*."""
        self._database = database

    async def begin(self, purchase: Purchase) -> None:
        """Keep *purchase*; one that is there stands."""
        document = {
            "license": [*row_of_license(purchase.license)[:-1], purchase.license.version],
            "due": [purchase.due.micros, purchase.due.currency],
            "spent": purchase.spent,
        }
        row = purchase.agreement, orjson.dumps(document).decode()
        sql = "INSERT INTO unfinished (agreement, document) VALUES (?, ?) ON CONFLICT DO NOTHING"
        await self._database.write(lambda db: db.execute(sql, row) and None)

    async def done(self, agreement: str) -> None:
        """Forget that of *agreement*."""
        sql = "DELETE FROM unfinished WHERE agreement = ?"
        await self._database.write(lambda db: db.execute(sql, (agreement,)) and None)

    async def all(self) -> tuple[Purchase, ...]:
        """What is not done."""
        sql = "SELECT agreement, document FROM unfinished ORDER BY agreement"
        rows = await self._database.read(lambda db: list(db.execute(sql)))
        return tuple(_purchase(str(agreement), str(document)) for agreement, document in rows)


def _purchase(agreement: str, document: str) -> Purchase:
    try:
        found = orjson.loads(document)
        license, due = license_of_row(tuple(found["license"])), Money(*found["due"])
        return Purchase(agreement, license, due, tuple(found["spent"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable(f"the purchase {agreement} in the store cannot be read") from error
