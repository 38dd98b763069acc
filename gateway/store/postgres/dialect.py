"""The words that SQLite and PostgreSQL spell differently, and no others.

Ports write SQL that both engines read. Where there is no such SQL, the
difference is named here: some of SQLite's functions are made in the schema
(`schema/postgres/functions.sql`: ``json_each``, ``json_extract``, ``instr``,
``iif``, two-argument ``max`` and ``min``, and a unary plus before a text), the
rest is rewritten by `statement`. Schema steps are rewritten by `step`, unless
``schema/postgres`` has one of the same name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: A literal, which stays as it is, or a place for a value.
_PLACE: Final = re.compile(r"'(?:[^']|'')*'|\?(\d*)")
_WORDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # SQLite reads the octets of a blob as text; a cast of PostgreSQL would write them in hexadecimal.
    (re.compile(r"\bCAST\((\w+) AS TEXT\)"), r"convert_from(\1, 'UTF8')"),
    (re.compile(r"\bCAST\((\$\d+) AS BLOB\)"), r"convert_to(\1, 'UTF8')"),
    (re.compile(r"\bgroup_concat\("), "string_agg("),
    # PostgreSQL chooses its indexes by statistics.
    (re.compile(r" NOT INDEXED\b"), ""),
)
_STEP: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"^PRAGMA [^;]*;$", re.MULTILINE), ""),
    (re.compile(r"\) STRICT(?:, WITHOUT ROWID)?;"), ");"),
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    # Words are compared by their octets, as SQLite does, in whatever language the server sorts.
    (re.compile(r"(?<!AS )\bTEXT\b"), 'TEXT COLLATE "C"'),
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    (re.compile(r"\) VIRTUAL;"), ") STORED;"),
)
_TABLE: Final = re.compile(r"CREATE TABLE (\w+) \((.*?)\n\);", re.DOTALL)
#: A key that SQLite numbers on by itself, also behind rows that were deleted.
_NUMBERED: Final = re.compile(r"^(\s+\w+\s+BIGINT\s+PRIMARY KEY)(?: AUTOINCREMENT)?(?=,|$)", re.MULTILINE)


@lru_cache(maxsize=2048)
def statement(sql: str) -> str:
    """*sql* of a port as PostgreSQL reads it; its values keep their order.

    >>> statement("SELECT '?' || x FROM t NOT INDEXED WHERE a = ? AND b = ?")
    "SELECT '?' || x FROM t WHERE a = $1 AND b = $2"
    >>> statement("SELECT ?2, ?1")
    'SELECT $2, $1'
    >>> statement("SELECT ?3, ?")
    'SELECT $3, $4'
    """
    count = 0

    def numbered(found: re.Match[str]) -> str:
        nonlocal count
        if not found[0].startswith("?"):
            return found[0]
        number = int(found[1] or count + 1)
        count = max(count, number)
        return f"${number}"

    sql = _PLACE.sub(numbered, sql)
    for pattern, instead in _WORDS:
        sql = pattern.sub(instead, sql)
    return sql


def step(sql: str) -> str:
    r"""A schema step written for SQLite, for PostgreSQL.

    >>> print(step("CREATE TABLE a (\n  nth  INTEGER PRIMARY KEY,\n  word TEXT NOT NULL\n) STRICT;"))
    CREATE TABLE a (
      nth  BIGINT PRIMARY KEY DEFAULT next_nth('a'),
      word TEXT COLLATE "C" NOT NULL
    );
    """
    for pattern, instead in _STEP:
        sql = pattern.sub(instead, sql)
    return _TABLE.sub(
        lambda found: (
            f"CREATE TABLE {found[1]} ("
            + _NUMBERED.sub(rf"\1 DEFAULT next_nth('{found[1]}')", found[2])
            + "\n);"
        ),
        sql,
    )
