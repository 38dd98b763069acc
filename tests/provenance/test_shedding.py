"""Everything given up is told once, in a note of its site and reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gateway.provenance.shedding import ShedCount


def test_one_note_tells_of_all_of_one_site_and_reason_since_the_first() -> None:
    shed = ShedCount()
    assert shed.notes(1) == []
    for site, reason, now_us in [("a", "disk", 5), ("a", "queue", 6), ("a", "disk", 7), ("b", "disk", 8)]:
        shed.add(site, reason, now_us)
    assert (shed.total, shed.untold) == (4, 4)
    notes = shed.notes(9)
    assert [(note.site, note.reason, note.count, note.since_us, note.time_us) for note in notes] == [
        ("a", "disk", 2, 5, 9),
        ("a", "queue", 1, 6, 9),
        ("b", "disk", 1, 8, 9),
    ]
    assert len({note.id for note in notes}) == 3
    assert (shed.total, shed.untold, shed.notes(10)) == (4, 0, [])


def test_nothing_is_lost_between_threads() -> None:
    shed = ShedCount()
    told = []
    with ThreadPoolExecutor(4) as threads:
        for number in range(2000):
            threads.submit(shed.add, "a", str(number % 3), number)
            if number % 50 == 0:
                told += shed.notes(number)
    told += shed.notes(2000)
    assert sum(note.count for note in told) == shed.total == 2000
