"""`AdminNotes`: what administrators did comes back whole, the latest first, between whatever else was folded."""

from __future__ import annotations

from gateway.provenance.record import AdminNote


async def test_notes_come_back_the_latest_first_and_page_by_number(ports, make):
    def note(number):
        return AdminNote(
            f"a-{number}", make.NOW * 1_000_000, "licenses.change", f"/licenses/{number}/revoke",
            "pe_1", "owner", "password", "0" * 64, "1" * 64,
        )  # fmt: skip

    assert await ports.admin_notes.latest(0, 9) == ()
    await ports.put(make.fetch(), note(1), make.book("credit", 10), note(2), note(3), make.fetch())
    found = await ports.admin_notes.latest(0, 9)
    assert [(each.seq, each.note) for each in found] == [(5, note(3)), (4, note(2)), (2, note(1))]
    assert await ports.admin_notes.latest(0, 1) == found[:1]
    assert await ports.admin_notes.latest(5, 1) == found[1:2]
    assert await ports.admin_notes.latest(2, 9) == ()


async def test_a_note_moves_no_money(ports, make):
    await ports.put(make.book("credit", 10), AdminNote("a", 1, "x", "/", "", "local", "local"))
    books = await ports.ledger.books()
    assert [posting.entry_id for posting in books.postings] == [books.postings[0].entry_id]
