"""Who watches one front process, as ``[observe]`` says: nobody, or totals, an access log, traces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from gateway.app.access_file import AccessFile
from gateway.ask import Ask
from gateway.config import Config
from gateway.front.access_lines import FORMATS
from gateway.front.gate import PeopleCount
from gateway.front.tallies import Tallies
from gateway.front.watching import Watcher, watched
from gateway.policy.reload import PolicyShelf
from gateway.problems import ConfigurationError, Mistake
from gateway.provenance.journal import Journal
from gateway.visitors.catalog import Catalog

_Told = Callable[[], Mapping[str, Any] | None]
_States = Callable[[], Iterable[Mapping[str, Any]]]


class _Office(Protocol):
    """What is told of the office."""

    config: Config
    shelf: PolicyShelf
    journal: Journal


async def metrics_of(
    office: _Office, totals: _Told, states: _States, closing: Callable[[Callable[[], Awaitable[None]]], None]
) -> tuple[str, int]:
    """Let Prometheus read *totals* and *states* where the settings say so; returns where. *closing* hears what closes it."""
    if not office.config.observe.metrics:
        return "", 0
    from gateway.app.metrics_door import Watched, open_metrics

    def unhealthy() -> str:
        return office.journal.state.reason

    watched = Watched(lambda: totals() or {}, states, lambda: office.shelf.policies, unhealthy)
    at, close = await open_metrics(watched, office.config.observe.metrics_at)
    closing(close)
    return at


class Observing:
    """The watchers of one process. *tallies* are None where nobody reads them."""

    def __init__(self, config: Config, catalog: Catalog) -> None:
        """Make what the settings name; raises `ConfigurationError` where an extra is missing."""
        settings = config.observe
        self.tallies = Tallies(each.crawler.name for each in catalog.crawlers) if settings.metrics else None
        self._file: AccessFile | None = None
        self._traces: Any = None
        watchers: list[Watcher] = []
        if settings.access_log:
            self._file = AccessFile(config.folder / settings.access_log, FORMATS[settings.access_format])
            watchers.append(self._file)
        if settings.traces:
            from gateway.app.traces import Traces

            try:
                self._traces = Traces(settings.traces)
            except ModuleNotFoundError:
                place = str(config.folder / "licet.toml")
                expected = "needs OpenTelemetry: pip install 'licet[server,otel]'"
                raise ConfigurationError([Mistake(place, "observe.traces", expected)]) from None
            watchers.append(self._traces)
        self._watchers = tuple(watchers)

    def journal(self, journal: Journal) -> Journal:
        """*journal*, watched; the very same where nobody watches."""
        return watched(journal, self._watchers, self.tallies)

    def people(self, people: PeopleCount) -> PeopleCount:
        """*people*, of whom the totals know that they were there; the very same where there are none."""
        return people if self.tallies is None else _Counted(people, self.tallies)

    def told(self) -> dict[str, Any] | None:
        """The totals so far."""
        return None if self.tallies is None else self.tallies.told()

    def flush(self) -> None:
        """Let lines out that have gathered."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Let everything out."""
        if self._file is not None:
            self._file.close()
        if self._traces is not None:
            self._traces.close()


class _Counted:
    def __init__(self, people: PeopleCount, tallies: Tallies) -> None:
        self._people, self._tallies = people, tallies

    def count(self, ask: Ask, status: int) -> None:
        self._people.count(ask, status)
        self._tallies.person(ask.site, status)
