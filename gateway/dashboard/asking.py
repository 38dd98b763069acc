"""The page that says who a request is from: what its form holds, and the explanation of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from gateway.ask import Ask
from gateway.dashboard.table_forms import Cells
from gateway.visitors.explained import Explanation, imagined

#: Says who sent an ask, at once and without fetching; the flag says whether its headers are told.
Explainer = Callable[[Ask, bool], Explanation]

#: What one piece of evidence is to other programs; ``weight`` is "" where it is a remark.
EVIDENCE: Final[Cells] = {
    "reason": lambda piece: piece.reason,
    "found": lambda piece: piece.sentence,
    "bears_on": lambda piece: piece.bears.value if piece.weight else "",
    "weight": lambda piece: f"{piece.weight:+.2f}" if piece.weight else "",
}
#: Characters of one field that are read; the page is asked for by GET.
LONGEST: Final = 4096
_FIELDS: Final = ("ua", "ip", "headers", "method", "path")


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks about; texts as they were typed. *headers* has one ``Name: value`` a line."""

    ua: str = ""
    ip: str = ""
    headers: str = ""
    method: str = "GET"
    path: str = "/"

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Question:
        """Read a query; what is not there keeps its default."""
        return cls(**{name: query[name][:LONGEST] for name in _FIELDS if query.get(name)})

    @property
    def empty(self) -> bool:
        """Whether nothing was asked."""
        return not (self.ua or self.ip or self.headers)

    def query(self) -> str:
        """The same as a query."""
        return urlencode({name: value for name in _FIELDS if (value := getattr(self, name))})

    def mistake(self) -> str:
        """The first line of the headers that is none, or ""."""
        return next(
            (line for line in self._lines() if not line.partition(":")[0].strip() or ":" not in line), ""
        )

    def explained(self, explainer: Explainer, *, origin: str, at: int) -> Explanation:
        """What *explainer* says of it, for a site at *origin* and second *at*."""
        pairs = [(name.strip(), value) for name, _, value in (line.partition(":") for line in self._lines())]
        ask, told = imagined(
            self.ua, self.ip.strip(), pairs, origin=origin, method=self.method, target=self.path, at=at
        )
        return explainer(ask, told)

    def _lines(self) -> list[str]:
        return [line for line in self.headers.splitlines() if line.strip()]
