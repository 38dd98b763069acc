"""Who watches a front process, by its settings."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from gateway.app.observing import Observing, metrics_of
from gateway.config import read_config
from gateway.problems import ConfigurationError
from gateway.provenance.record import FetchRecord
from gateway.visitors.catalog import Catalog

RECORD = FetchRecord(
    "id", 0, 3_000, "journal", "h", "GET", "/", "ai", "claimed", "none", "license", "r", "p", "enforce", "licensed",
    200, 100, "complete", "d",
)  # fmt: skip


def observing(folder, settings: str = "") -> Observing:
    (folder / "licet.toml").write_text(f"[observe]\n{settings}")
    return Observing(read_config(folder), Catalog.shipped())


class Journal:
    room = floods = None

    def note(self, *_) -> None:
        pass


def test_nobody_watches_unless_told(tmp_path):
    nobody, journal, people = observing(tmp_path), Journal(), object()
    assert nobody.journal(journal) is journal
    assert nobody.people(people) is people
    assert nobody.told() is None
    nobody.close()


def test_each_watcher_is_its_own(tmp_path):
    one = observing(tmp_path, 'metrics = "127.0.0.1:0"\naccess_log = "a.log"\naccess_format = "combined"\n')
    one.journal(Journal()).note(RECORD, None, b"")
    counted = []
    people = SimpleNamespace(count=lambda ask, status: counted.append(status))
    one.people(people).count(SimpleNamespace(site="journal"), 200)
    one.close()
    assert counted == [200]
    assert [(row[1], row[-1]) for row in one.told()["requests"]] == [("licensed", 1), ("person", 1)]
    assert (tmp_path / "a.log").read_text().endswith('"id"\n')


def test_traces_without_the_extra_are_a_mistake(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    with pytest.raises(ConfigurationError, match=r"licet\[server,otel\]"):
        observing(tmp_path, 'traces = "http://127.0.0.1:4318"\n')


async def test_nothing_listens_unless_told(tmp_path):
    closing = []
    office = SimpleNamespace(config=read_config(tmp_path), shelf=None, journal=None)
    assert await metrics_of(office, dict, list, closing.append) == ("", 0)
    assert closing == []
