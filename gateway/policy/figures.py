"""The creator's own figures for the value memo: a TOML file, read strictly, and written back.

Every entry names its source and its day; one without is a mistake, and all
mistakes are reported at once::

    [[figures]]
    about = "watch-time"      # views, watch-time, conversion, demographics, case-study, other
    what = "average time on a film"
    value = "6 min 12 s"
    source = "our channel's analytics"
    date = 2026-10-31

    [[comparables]]
    what = "200 films for training"
    price = "40 USD a film"
    source = "https://news.example/deal"
    date = 2026-05-01
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.licenses.value_memo import MOST_COMPARABLES, MOST_FIGURES, About, Comparable, Figure, Figures
from gateway.policy.schema import read_table, spelled
from gateway.policy.words import quoted, wrong
from gateway.problems import ConfigurationError, Mistake

_T = TypeVar("_T", bound=BaseModel)
#: So that the memo stays one page.
LONGEST_WHAT: Final = 80
LONGEST_VALUE: Final = 120
LONGEST_SOURCE: Final = 80
LARGEST_FILE: Final = 65_536
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PLACE: Final = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")


def _text(longest: int) -> BeforeValidator:
    def check(value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise wrong("write a text in quotes; it cannot be empty")
        if len(value) > longest or not value.isprintable():
            raise wrong(f"write one line of at most {longest} characters")
        return value.strip()

    return BeforeValidator(check)


def _day(value: object) -> dt.date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            value = dt.date.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise wrong("write the day as 2026-10-31")
    return value


def _about(value: object) -> About:
    try:
        return About(value) if isinstance(value, str) else About("")
    except ValueError:
        raise wrong(f"write {quoted(About)}") from None


class FigureTable(BaseModel):
    """``[[figures]]``: one thing that the creator says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    about: Annotated[About, BeforeValidator(_about)] = Field(description="what it is about")
    what: Annotated[str, _text(LONGEST_WHAT)] = Field(description="what is counted or told")
    value: Annotated[str, _text(LONGEST_VALUE)] = Field(description="the figure itself, as people read it")
    source: Annotated[str, _text(LONGEST_SOURCE)] = Field(
        description="where it is from; nothing stands without one"
    )
    date: Annotated[dt.date, BeforeValidator(_day)] = Field(
        description="the day it is of, such as 2026-10-31"
    )


class ComparableTable(BaseModel):
    """``[[comparables]]``: a deal of somebody else's."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    what: Annotated[str, _text(LONGEST_WHAT)] = Field(description="what was licensed, and for what")
    price: Annotated[str, _text(LONGEST_VALUE)] = Field(description="the price, as people read it")
    source: Annotated[str, _text(LONGEST_SOURCE)] = Field(
        description="where it is from; nothing stands without one"
    )
    date: Annotated[dt.date, BeforeValidator(_day)] = Field(
        description="the day it is of, such as 2026-10-31"
    )


def read_figures(text: str, file: str) -> Figures:
    """What *text* holds; *file* names it in mistakes.

    Raises:
        ConfigurationError: with every mistake found.
    """
    raw = _parsed(text, file)
    mistakes = [
        Mistake(file, name, f"is not a key that Licet knows; write {quoted(_TABLES)} tables")
        for name in raw
        if name not in _TABLES
    ]
    figures = [
        Figure(each.about, each.what, each.value, each.source, each.date)
        for each in _listed(FigureTable, raw, "figures", MOST_FIGURES, file, mistakes)
    ]
    comparables = [
        Comparable(each.what, each.price, each.source, each.date)
        for each in _listed(ComparableTable, raw, "comparables", MOST_COMPARABLES, file, mistakes)
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
    return Figures(tuple(figures), tuple(comparables))


def write_figures(entered: Figures) -> str:
    """*entered* as the text that `read_figures` reads."""
    import tomlkit

    document = tomlkit.document()
    for name, rows in (("figures", entered.figures), ("comparables", entered.comparables)):
        tables = tomlkit.aot()
        for each in rows:
            table = tomlkit.table()
            for key in each.__dataclass_fields__:
                value = getattr(each, key)
                table.add("date" if key == "day" else key, str(value) if isinstance(value, str) else value)
            tables.append(table)
        if rows:
            document.add(name, tables)
    return tomlkit.dumps(document)


_TABLES: Final = ("figures", "comparables")


def _parsed(text: str, file: str) -> dict[str, object]:
    if len(text) > LARGEST_FILE:
        raise ConfigurationError([Mistake(file, "", "is larger than 64 kB; a memo is one page")])
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError([Mistake(file, "", "has brackets inside brackets without end")]) from None
    except ValueError as error:
        place = _PLACE.search(str(error))
        line = place[1] if place and place[1] else str(text.count("\n") + 1)
        said = _PLACE.sub("", str(error)).strip()
        raise ConfigurationError(
            [Mistake(file, f"line {line}", f"this line cannot be read as TOML ({said})")]
        ) from None


def _listed(
    model: type[_T], raw: dict[str, object], key: str, most: int, file: str, mistakes: list[Mistake]
) -> list[_T]:
    rows = raw.get(key, [])
    if not isinstance(rows, list):
        mistakes.append(Mistake(file, key, f"write each entry under its own [[{key}]], with two brackets"))
        return []
    if len(rows) > most:
        mistakes.append(
            Mistake(file, key, f"a memo is one page: keep the {most} that say most", str(len(rows)))
        )
    found = [read_table(model, row, file, spelled(key, (at,)), mistakes) for at, row in enumerate(rows)]
    return [each for each in found if each is not None]
