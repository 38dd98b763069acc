"""Texts and combinations of texts that stand once, as numbers in the rows that have them.

Neither is ever changed or deleted, so what was committed once is known for good
and may be remembered by whoever folds; what an act adds is remembered only once
that act is committed (`Known.take`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import apsw
import orjson

#: The columns of a face, in the order of its values.
FACE: Final = (
    "site", "crawler", "operator", "visitor_class", "identity", "license", "verdict", "rule", "problem", "would",
    "method", "host", "work", "ended", "country", "currency", "charge_reason", "rendition", "uses",
)  # fmt: skip
#: The values of one: texts, but for the uses, which are a tuple of them or "".
Face = tuple[Any, ...]
#: What is remembered at most of each.
_MOST: Final = 100_000
_WORDS: Final = "SELECT word, id FROM words WHERE word IN (SELECT value FROM json_each(?))"
_ADD_WORD: Final = "INSERT INTO words (word) VALUES (?) ON CONFLICT DO NOTHING"
_ADD_FACE: Final = (
    f"INSERT INTO faces ({', '.join(FACE)}) VALUES ({', '.join('?' * len(FACE))})"  # noqa: S608
    " ON CONFLICT DO NOTHING RETURNING id"
)
_FACE: Final = f"SELECT id FROM faces WHERE ({', '.join(FACE)}) = ({', '.join('?' * len(FACE))})"  # noqa: S608


class Known:
    """What is committed, as far as it is remembered."""

    def __init__(self) -> None:
        """Remember nothing."""
        self.words: dict[str, int] = {"": 0}
        self.faces: dict[Face, int] = {}

    def take(self, added: Words) -> None:
        """Remember what *added* found or made, whose act is committed."""
        if len(self.words) > _MOST:
            self.words = {"": 0}
        if len(self.faces) > _MOST:
            self.faces = {}
        self.words |= added.words
        self.faces |= added.faces


class Words:
    """The numbers of texts and faces, for one act: those that are not there yet are added."""

    def __init__(self, db: apsw.Connection, known: Known | None = None) -> None:
        """Add to *db*, within a transaction; what *known* remembers need not be asked."""
        self._db = db
        self._known = known or Known()
        #: What this act found or made.
        self.words: dict[str, int] = {}
        self.faces: dict[Face, int] = {}

    def learn(self, words: Iterable[str]) -> None:
        """See to it that all of *words* have a number."""
        new = {word for word in words if word not in self._known.words and word not in self.words}
        if not new:
            return
        self._db.executemany(_ADD_WORD, [(word,) for word in sorted(new)])
        rows: Any = self._db.execute(_WORDS, (orjson.dumps(list(new)).decode(),))
        self.words.update(rows)

    def of(self, word: str) -> int:
        """The number of *word*."""
        found = self._known.words.get(word)
        if found is None:
            found = self.words.get(word)
        if found is None:
            self.learn((word,))
            found = self.words[word]
        return found

    def face(self, face: Face) -> int:
        """The number of *face*."""
        found = self._known.faces.get(face)
        if found is None:
            found = self.faces.get(face)
        if found is None:
            values = (
                *face[:-1],
                orjson.dumps(face[-1]).decode() if isinstance(face[-1], tuple) else face[-1],
            )
            made = self._db.execute(_ADD_FACE, values).get
            found = self._db.execute(_FACE, values).get if made is None else made
            assert isinstance(found, int)
            self.faces[face] = found
        return found
