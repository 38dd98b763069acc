"""An act sees of PostgreSQL what it sees of SQLite."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gateway.problems import StoreUnavailable
from gateway.store.sqlite.folding import COLUMNS

PORTS = sorted((Path(__file__).resolve().parents[3] / "gateway" / "store" / "sqlite").glob("*.py"))
#: The engine itself: a file, its versions, and how small it can be.
OWN = {"database.py", "versions.py", "shrinking.py"}
#: What SQLite's connection has and `Transaction` has not.
ELSEWHERE = {
    "pragma", "last_insert_rowid", "total_changes", "cursor", "create_scalar_function", "in_transaction", "blob_open",
    "set_commit_hook", "getdescription", "description", "set_busy_timeout", "wal_checkpoint",
}  # fmt: skip


@pytest.mark.parametrize("port", [path for path in PORTS if path.name not in OWN], ids=lambda path: path.name)
def test_ports_ask_of_a_connection_only_what_both_engines_have(port):
    tree = ast.parse(port.read_text(encoding="utf-8"))
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not asked & ELSEWHERE
    assert not any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "apsw"
        and node.attr not in {"Connection", "Cursor"}
        for node in ast.walk(tree)
    ), "an error of one engine is caught"


async def test_rows_are_asked_as_a_cursor_is(emptied):
    def act(db):
        db.executemany(
            "INSERT INTO fold_positions (source, position) VALUES (?, ?)", (("a", 1), ("b", 2), ("c", 3))
        )
        both = "SELECT source, position FROM fold_positions ORDER BY source"
        rows = db.execute(both)
        first = rows.fetchone()
        left = rows.fetchall()
        none = db.execute("SELECT 1 FROM fold_positions WHERE source = ?", ("d",))
        return (
            first,
            left,
            rows.fetchone(),
            list(db.execute(both)),
            db.execute(both).get,
            none.get,
            none.fetchall(),
        )

    assert await emptied.write(act) == (
        ("a", 1), [("b", 2), ("c", 3)], None, [("a", 1), ("b", 2), ("c", 3)], ("a", 1), None, [],
    )  # fmt: skip


async def test_changes_are_those_of_the_last_statement(emptied):
    def act(db):
        counts = []
        for sql in (
            "INSERT INTO fold_positions (source, position) VALUES ('a', 1), ('b', 1)",
            "INSERT INTO fold_positions (source, position) VALUES ('a', 1) ON CONFLICT DO NOTHING",
            "UPDATE fold_positions SET position = 2",
            "DELETE FROM fold_positions WHERE source = 'a'",
        ):
            db.execute(sql)
            counts.append(db.changes())
        return counts

    assert await emptied.write(act) == [2, 0, 2, 1]


async def test_sums_are_whole_numbers_and_large_ones_too(emptied):
    def act(db):
        for name in ("a", "b"):
            db.execute("INSERT INTO fold_positions (source, position) VALUES (?, ?)", (name, 2**62))
        return db.execute("SELECT sum(position), max(1, 2), min(1, 2) FROM fold_positions").get

    total, more, less = await emptied.write(act)
    assert (total, type(total), more, less) == (2**63, int, 2, 1)


async def test_words_are_ordered_by_their_octets(emptied):
    words = ["B", "a", "Z", "é", "ä", "_", "0", "aa"]

    def act(db):
        db.executemany("INSERT INTO fold_positions (source, position) VALUES (?, 0)", [(w,) for w in words])
        return [word for (word,) in db.execute("SELECT source FROM fold_positions ORDER BY source")]

    assert await emptied.write(act) == sorted(words, key=lambda word: word.encode())


async def test_a_nul_is_kept_from_a_column_and_from_json(emptied):
    def act(db):
        db.execute("INSERT INTO fold_positions (source, position) VALUES (?, 0)", ("a\x00b",))
        told = r'["x\u0000y", "it\\u0000s"]'
        return (
            db.execute("SELECT source FROM fold_positions").get,
            [word for (word,) in db.execute("SELECT value FROM json_each(?)", (told,))],
            db.execute("SELECT json_extract(?, '$.a.b')", (r'{"z": "\u0000", "a": {"b": "c"}}',)).get,
            db.execute("SELECT json_extract(?, '$.a.n')", ('{"a": {}}',)).get,
        )

    assert await emptied.write(act) == ("a�b", ["x�y", "it\\ufffds"], "c", None)


async def test_the_journal_is_read_in_portions_between_other_statements(emptied):
    def act(db):
        db.execute("SELECT make_months(0, 0)")
        db.executemany(
            f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
            [
                (n, f"e{n}", "shed", "", 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, None, 0, -1, b"", b"")
                for n in range(1, 4502)
            ],
        )
        found = []
        for (seq,) in db.execute("SELECT seq FROM entries WHERE seq > ? ORDER BY seq", (1,)):
            found.append(seq)
            if seq % 1000 == 0:
                assert db.execute("SELECT id FROM entries WHERE seq = ?", (seq,)).get == f"e{seq}"
        return found

    assert await emptied.write(act) == list(range(2, 4502))


async def test_what_the_server_refuses_is_a_sentence(emptied):
    with pytest.raises(StoreUnavailable, match="23514"):
        await emptied.write(
            lambda db: db.execute("INSERT INTO fold_positions (source, position) VALUES ('a', -1)")
        )
    with pytest.raises(StoreUnavailable, match="another row of that key"):
        await emptied.write(
            lambda db: db.executemany(
                "INSERT INTO fold_positions (source, position) VALUES (?, 0)", (("a",), ("a",))
            )
        )
    with pytest.raises(StoreUnavailable):
        await emptied.read(
            lambda db: db.execute("INSERT INTO fold_positions (source, position) VALUES ('a', 1)")
        )
    with pytest.raises(StoreUnavailable, match="asked wrongly"):
        await emptied.read(lambda db: db.execute("SELECT 1", ("too many",)))
    assert await emptied.read(lambda db: db.execute("SELECT count(*) FROM fold_positions").get) == 0
