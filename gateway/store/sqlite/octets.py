"""The octets of entries: in their row, or in the journal's files beside the database, where their row says."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import apsw
import orjson

from gateway.problems import StoreUnavailable
from gateway.provenance.segments import SegmentDamaged
from gateway.provenance.shelf import Shelf, Standing

#: What `Octets.of` wants of a row, in this order.
PLACE: Final = "id, own_canonical, own_salt, file, place"


#: Where nothing can be: a database that is no file has all octets in its rows.
_NOWHERE: Final = Path("/dev/null")


def journal_beside(db: apsw.Connection) -> Path:
    """The folder of the journal that *db* is folded from."""
    file = db.db_filename("main")
    return Path(file).parent / "journal" if file else _NOWHERE / "journal"


def journal_of(db: apsw.Connection) -> Path:
    """The same, where *db* may be one that has all octets in its rows: then the one of this gateway's data folder."""
    told: Path | None = getattr(db, "journal", None)
    return journal_beside(db) if told is None else told


class Octets:
    """Reads the octets of rows. For one act; use it in a `with`."""

    def __init__(self, db: apsw.Connection) -> None:
        """Read those that *db* points to."""
        self._shelf = Shelf(journal_beside(db))

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._shelf.close()

    def of(self, id: str, canonical: bytes | None, salt: bytes | None, file: str, place: int) -> Standing:
        """The octets of a row of `PLACE`. Raises `StoreUnavailable` where they cannot be read."""
        if canonical is not None and salt is not None:
            return Standing(canonical, salt)
        try:
            found = self._shelf.entry(file, place)
        except (SegmentDamaged, OSError) as error:
            raise StoreUnavailable(f"entry {id} cannot be read from the journal: {error}") from error
        if b'"id":' + orjson.dumps(id) not in found.canonical:
            raise StoreUnavailable(f"entry {id} does not stand in the journal at {file}:{place}")
        return found
