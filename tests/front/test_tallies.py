"""Totals that many processes tell: few labels, and no counter that falls."""

from __future__ import annotations

from dataclasses import replace

from gateway.front.tallies import BOUNDS_US, OTHER, Tallies, Totals, added
from gateway.provenance.record import FetchRecord

RECORD = FetchRecord(
    "id", 0, 3_000, "journal", "h", "GET", "/", "ai", "claimed", "none", "license", "r", "p", "enforce", "licensed",
    200, 100, "complete", "d", crawler="GPTBot", currency="USD", charged_micros=5,
)  # fmt: skip


def test_a_fetch_is_counted_by_its_record():
    tallies = Tallies(["GPTBot"])
    for record in (RECORD, replace(RECORD, duration_us=10**9), replace(RECORD, crawler="made-up-7361")):
        tallies.fetched(record)
    told = tallies.told()
    assert told["requests"] == [
        ["journal", "licensed", "GPTBot", "claimed", 200, 2],
        ["journal", "licensed", OTHER, "claimed", 200, 1],
    ]
    assert told["seconds"]["licensed"][BOUNDS_US.index(5_000)] == 2
    assert told["seconds"]["licensed"][-2:] == [1, 10**9 + 6_000]
    assert (told["sent"], told["charged"]) == ({"licensed": 300}, {"USD": 15})


def test_strangers_make_no_more_labels_than_there_is_room_for():
    tallies = Tallies(["GPTBot"])
    for number in range(10_000):
        tallies.fetched(replace(RECORD, site=f"s{number % 3}", status=number, crawler=f"x{number}"))
    assert len(tallies.requests) <= 4096 + 3
    assert sum(tallies.requests.values()) == 10_000


def test_no_counter_falls_when_a_worker_is_replaced():
    totals = Totals()

    def state(role, pid, people):
        tallies = Tallies([])
        for _ in range(people):
            tallies.person("journal", 200)
        return {"role": role, "pid": pid, "tallies": tallies.told()}

    def people():
        return sum(row[-1] for row in totals.all()["requests"])

    seen = []
    for told in (("w1", 1, 3), ("w2", 2, 5), ("w1", 1, 4), ("w1", 9, 1), ("w1", 9, 2), ("w2", 8, 0)):
        totals.hear(state(*told))
        seen.append(people())
    assert seen == [3, 8, 9, 10, 11, 11]
    totals.hear({"role": "w3", "pid": 3})
    assert people() == 11


def test_the_sum_of_nothing_is_nothing():
    assert added([]) == {"requests": [], "seconds": {}, "sent": {}, "charged": {}}
