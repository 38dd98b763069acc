"""Which words of SQL are spelled otherwise, and that nothing else is touched."""

from __future__ import annotations

import pytest

from gateway.store.postgres import dialect


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT 1", "SELECT 1"),
        ("a = ? AND b = ?", "a = $1 AND b = $2"),
        ("?2, ?1, ?2", "$2, $1, $2"),
        # A question mark without a number is one behind the largest before it.
        ("?3, ?, ?", "$3, $4, $5"),
        ("'?' || ? || 'it''s ?' || ?", "'?' || $1 || 'it''s ?' || $2"),
        ("CAST(canonical AS TEXT)", "convert_from(canonical, 'UTF8')"),
        ("instr(canonical, CAST(? AS BLOB)) > 0", "instr(canonical, convert_to($1, 'UTF8')) > 0"),
        ("group_concat(sign, '/' ORDER BY sign)", "string_agg(sign, '/' ORDER BY sign)"),
        ("FROM entries NOT INDEXED WHERE", "FROM entries WHERE"),
        ("CAST(x AS BIGINT)", "CAST(x AS BIGINT)"),
    ],
)
def test_a_statement(ours, theirs):
    assert dialect.statement(ours) == theirs


def test_a_step():
    ours = (
        "-- A comment.\nPRAGMA application_id = 1;\n"
        "CREATE TABLE a (\n  nth INTEGER PRIMARY KEY AUTOINCREMENT,\n  word TEXT NOT NULL,\n  whole BLOB\n) STRICT;\n"
        "CREATE TABLE b (\n  only_one INTEGER PRIMARY KEY CHECK (only_one = 1)\n) STRICT, WITHOUT ROWID;\n"
        "CREATE TABLE c (\n  id TEXT PRIMARY KEY,\n  PRIMARY KEY (id)\n) STRICT, WITHOUT ROWID;\n"
        "ALTER TABLE a ADD COLUMN state TEXT GENERATED ALWAYS AS (json_extract(word, '$.s')) VIRTUAL;\n"
        "CREATE INDEX i ON a (word) WHERE nth > 0;\n"
    )
    assert dialect.step(ours) == (
        "-- A comment.\n\n"
        "CREATE TABLE a (\n  nth BIGINT PRIMARY KEY DEFAULT next_nth('a'),\n"
        '  word TEXT COLLATE "C" NOT NULL,\n  whole BYTEA\n);\n'
        "CREATE TABLE b (\n  only_one BIGINT PRIMARY KEY CHECK (only_one = 1)\n);\n"
        'CREATE TABLE c (\n  id TEXT COLLATE "C" PRIMARY KEY,\n  PRIMARY KEY (id)\n);\n'
        'ALTER TABLE a ADD COLUMN state TEXT COLLATE "C" GENERATED ALWAYS AS'
        " (json_extract(word, '$.s')) STORED;\n"
        "CREATE INDEX i ON a (word) WHERE nth > 0;\n"
    )
