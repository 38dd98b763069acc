"""What of a report does not fit the journal is asked about, and what fits is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.licenses.bundle import Fetched
from gateway.licenses.report_doubts import doubts
from gateway.licenses.transparency import TransparencyReport


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


FETCHED = (
    Fetched("/essays/tides", "a" * 64, at("2026-02-10 12:00")), Fetched("/essays/tides", "b" * 64, at("2026-02-12")),
    Fetched("/essays/winds", "c" * 64, at("2026-03-01")), Fetched("/essays/late", "d" * 64, at("2026-04-01")),
)  # fmt: skip


def report(datasets, models=(), inferences=()):
    body = {
        "duty": "du_1", "license": "li_1", "period": {"begins": at("2026-01-01"), "ends": at("2026-04-01")},
        "datasets": [{"name": n, "content": c, "items": i} for n, c, i in datasets],
        "models": [{"name": n, "version": "1", "datasets": d, "released_on": r} for n, d, r in models],
        "inferences": [{"model": f"{n} 1", "count": c} for n, c in inferences],
        "revenue": [], "statement": {"by": "Eve", "role": "CEO"},
    }  # fmt: skip
    return TransparencyReport.model_validate(body)


ESSAYS = ("essays", ["/essays/tides", "sha-256:" + "c" * 64], 2)


def test_what_fits_the_journal_is_not_asked_about():
    fine = report([ESSAYS], [("M", ["essays"], "2026-02-10"), ("N", [], None)], [("M", 5), ("N", 0)])
    assert doubts(fine, FETCHED) == ()
    assert doubts(report([]), ()) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (report([("essays", ["/essays/tides"], 3)]), "holds 3 items; 2 were fetched"),
        (report([("essays", ["/essays/tides", "/essays/late"], 1)]), "was not fetched under the license: /essays/late."),
        (report([("essays", ["sha-256:" + "e" * 64], 1)]), "was not fetched under the license: sha-256:e"),
        (report([ESSAYS], [("M", ["essays"], "2026-02-09")]), "released on 2026-02-09, before anything"),
        (report([ESSAYS], [("M", ["essays"], None)], [("M", 1_000)]), "gave 1,000 answers and was not released"),
        (report([]), "2 items were fetched under the license by the end of the period; the report names no data set"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(given, said):
    (one,) = doubts(given, FETCHED)
    assert said in one


def test_of_many_contents_a_few_are_named():
    (one,) = doubts(report([("e", [f"/x/{nth}" for nth in range(100)], 1)]), FETCHED)
    assert one.endswith("/x/4 and 95 more.")
