"""What in a transparency report does not fit what the journal knows: for the creator to ask about, no mistake. Pure.

A licensee may have works from elsewhere, and models of its own; so nothing here
refuses a report. What cannot be is refused when it is read (`transparency`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.licenses.bundle import Fetched
from gateway.licenses.obligations import day
from gateway.licenses.transparency import TransparencyReport

_MOST_NAMED: Final = 5


def doubts(report: TransparencyReport, fetched: Sequence[Fetched]) -> tuple[str, ...]:
    """Sentences about *report*, given what was *fetched* whole under the license, whenever that was."""
    by_then = [each for each in fetched if each.at < report.period.ends]
    return (*_contents(report, by_then), *_models(report, by_then), *_silence(report, by_then))


def _contents(report: TransparencyReport, fetched: Sequence[Fetched]) -> Iterable[str]:
    known = {name for each in fetched for name in (each.path, f"sha-256:{each.sha256}")}
    items = len({each.path for each in fetched})
    for dataset in report.datasets:
        if dataset.items > items:
            yield f"The data set {dataset.name} holds {dataset.items:,} items; {items:,} were fetched under the license."
        odd = [content for content in dataset.content if content not in known]
        if odd:
            more = f" and {len(odd) - _MOST_NAMED} more" if len(odd) > _MOST_NAMED else ""
            named = ", ".join(odd[:_MOST_NAMED])
            yield f"The data set {dataset.name} names what was not fetched under the license: {named}{more}."


def _models(report: TransparencyReport, fetched: Sequence[Fetched]) -> Iterable[str]:
    contents = {each.name: set(each.content) for each in report.datasets}
    released = dict(report.releases)
    for model in report.models:
        used = set[str]().union(*(contents.get(name, set()) for name in model.datasets))
        first = min(
            (each.at for each in fetched if {each.path, f"sha-256:{each.sha256}"} & used), default=None
        )
        at = released.get(model.told)
        if at is not None and first is not None and day(at) < day(first):
            yield (
                f"The model {model.told} was released on {day(at)}, before anything of its data sets was"
                f" fetched under the license, on {day(first)}."
            )
    answered = {each.model: each.count for each in report.inferences if each.count}
    for model in report.models:
        if model.told in answered and model.released_on is None:
            yield f"The model {model.told} gave {answered[model.told]:,} answers and was not released."


def _silence(report: TransparencyReport, fetched: Sequence[Fetched]) -> Iterable[str]:
    if fetched and not report.datasets:
        items = len({each.path for each in fetched})
        yield f"{items:,} items were fetched under the license by the end of the period; the report names no data set."
