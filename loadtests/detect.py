"""Who is asking? The catalog measured on labelled User-Agents, beside its peers in the same run.

    python -m loadtests.detect                 the table
    python -m loadtests.detect --json          the same figures for programs
    python -m loadtests.detect --misses        and every string that was judged wrongly

The labels are read from LICET_TEST_DATA, by default the folder ``shared/data``
beside the repository. A peer that is not installed stands as such in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from gateway.ask import Ask
from gateway.evidence import NOTHING, Needs
from gateway.policy.reading import default_policy, stances
from gateway.policy.rules import Policy, Verdict
from gateway.policy.ruling import rule
from gateway.visitors.catalog import Catalog
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from gateway.visitors.visitor import VisitorClass
from loadtests.detect_peers import PEERS, Judged, Peer

#: What each goal row must reach: a share at least, a share at most, or microseconds at most.
GOALS: dict[str, tuple[str, float]] = {
    "automated": (">=", 0.995),
    "ai_class": (">=", 0.98),
    "named": (">=", 0.97),
    "purpose": (">=", 0.95),
    "others_as_ai": ("<=", 0.003),
    "browsers": ("<=", 0.0005),
    "must_pass": ("<=", 0.0),
    "us_uncached": ("<=", 5.0),
    "us_cached": ("<=", 0.1),
}
ROWS: dict[str, str] = {
    "automated": "AI strings, documented or observed: automated",
    "ai_class": "  put in an AI class",
    "named": "  name and operator right",
    "purpose": "  purpose right, of those that have one",
    "automated_all": "AI strings, list-only and templates too: automated",
    "ai_class_all": "  put in an AI class",
    "named_all": "  name and operator right",
    "purpose_all": "  purpose right, of those that have one",
    "left_out": "a name left out: its strings still automated",
    "left_out_ai": "  still in an AI class",
    "others_as_ai": "other bots called AI",
    "others": "other bots recognized as automated",
    "browsers": "recent browsers stopped or called a bot",
    "legacy": "legacy browsers stopped or called a bot",
    "must_pass": "must-pass strings stopped by a shipped stance",
    "us_uncached": "us per User-Agent, never seen",
    "us_cached": "us per User-Agent, seen before",
    "us_hostile": "us for 8 KB of the worst text tried",
}
_PURPOSES = {
    "training": {"training"},
    "search": {"ai-search", "search"},
    "user": {"user-action"},
    "agent": {"agent"},
    "scraper": {"data-seller"},
}
_HOSTILE = (
    "a",
    "bot",
    "bot ",
    "compatible; ",
    "http://",
    "+a.",
    "a@",
    "gptbot",
    "google-",
    "(",
    "é",
    "-user/",
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One string of the data with its labels; *purpose* is "" where none is known."""

    text: str
    name: str = ""
    operator: str = ""
    purpose: str = ""
    seen: bool = True


@dataclass(frozen=True)
class Labels:
    """The data: strings of AI crawlers, of other bots, of browsers, and those that must pass."""

    ai: Sequence[Labelled]
    others: Sequence[Labelled]
    browsers: Sequence[Labelled]
    legacy: Sequence[Labelled]
    must_pass: Sequence[Labelled]

    @classmethod
    def read(cls, data: Path) -> Labels:
        """Read the folder ``agents`` of *data*."""
        folder = data / "agents"
        ai = [
            Labelled(
                row[0],
                row[1],
                row[2],
                "" if row[3] == "unknown" else row[3],
                row[6] in {"documented", "observed"},
            )
            for row in _lines(folder / "ai_crawlers.tsv")
        ]
        plain = (
            [Labelled(row[0], row[1]) for row in _lines(folder / name)]
            for name in ("other_bots.tsv", "browsers.tsv", "browsers_legacy.tsv", "must_pass.tsv")
        )
        return cls(ai, *plain)

    @property
    def every(self) -> list[str]:
        """Every string, shuffled the same way each time."""
        texts = [
            each.text
            for part in (self.ai, self.others, self.browsers, self.legacy, self.must_pass)
            for each in part
        ]
        Random(4).shuffle(texts)
        return texts


@dataclass
class Figures:
    """What was measured: by row a share or microseconds, and the strings behind each wrong answer."""

    shares: dict[str, float] = field(default_factory=dict)
    misses: dict[str, list[str]] = field(default_factory=dict)

    def share(self, row: str, wrong: Iterable[str], whole: int, *, of_right: bool) -> None:
        """Note the share of right (or of wrong) answers among *whole*, and which were wrong."""
        found = list(wrong)
        part = whole - len(found) if of_right else len(found)
        self.shares[row] = part / whole if whole else 0.0
        self.misses[row] = found


def _lines(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line and not line.startswith("#ua")]


def _key(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def same_name(ours: Iterable[str], label: str) -> bool:
    """Whether one of the names *ours* is the one that *label* says, spelling aside."""
    known = {_key(name) for name in ours}
    wanted = _key(label.split("(", maxsplit=1)[0])
    return wanted in known or any(len(name) > 3 and (name in wanted or wanted in name) for name in known)


def same_operator(ours: str, label: str) -> bool:
    """Whether *ours* is one of the companies that *label* says; a label of "unknown" asks for none."""
    wanted = [_key(part) for part in label.replace("(", "/").replace(")", "/").split("/") if part.strip()]
    known = _key(ours)
    return label == "unknown" or any(each in known or (known and known in each) for each in wanted)


def right_purpose(purposes: Sequence[str], label: str) -> bool:
    """Whether the first of *purposes*, in the catalog's words, is what *label* says."""
    return bool(purposes) and purposes[0] in _PURPOSES[label]


def judged(catalog: Catalog) -> Callable[[str], Judged]:
    """Ask *catalog* as peers are asked."""

    def ask(text: str) -> Judged:
        reading = catalog.reading(text)
        names = () if reading.entry is None else (reading.entry.name, *reading.entry.tokens)
        if reading.crawler is not None and not names:
            names = (reading.crawler.name,)
        return Judged(
            reading.visitor_class is not VisitorClass.UNPROVEN,
            reading.visitor_class is VisitorClass.AI,
            names,
            reading.crawler.operator if reading.crawler else "",
            reading.crawler.purposes if reading.crawler else (),
        )

    return ask


def measure(ask: Callable[[str], Judged], labels: Labels, knows: frozenset[str]) -> Figures:
    """Every share that depends on the User-Agent alone; rows that *knows* does not list are left out."""
    figures = Figures()
    for end, ai in (("", [each for each in labels.ai if each.seen]), ("_all", labels.ai)):
        answers = [(each, ask(each.text)) for each in ai]
        purposed = [pair for pair in answers if pair[0].purpose]
        wrong = {
            "automated": [each.text for each, found in answers if not found.automated],
            "ai_class": [each.text for each, found in answers if not found.ai],
            "named": [
                each.text
                for each, found in answers
                if not (same_name(found.names, each.name) and same_operator(found.operator, each.operator))
            ],
            "purpose": [
                each.text for each, found in purposed if not right_purpose(found.purposes, each.purpose)
            ],
        }
        for row, missed in wrong.items():
            if row in knows:
                whole = len(purposed) if row == "purpose" else len(answers)
                figures.share(row + end, missed, whole, of_right=True)
    others = [(each, ask(each.text)) for each in labels.others]
    if "ai_class" in knows:
        figures.share("others_as_ai", [e.text for e, f in others if f.ai], len(others), of_right=False)
    figures.share("others", [e.text for e, f in others if not f.automated], len(others), of_right=True)
    for row, part in (("browsers", labels.browsers), ("legacy", labels.legacy)):
        called = [each.text for each in part if ask(each.text).automated]
        figures.share(row, called, len(part), of_right=False)
    return figures


def left_out(catalog: Catalog, labels: Labels, figures: Figures) -> None:
    """Judge each AI string by a catalog that lacks every entry of its name."""
    unseen, unclassed = [], []
    by_name: dict[str, list[str]] = {}
    for each in labels.ai:
        by_name.setdefault(each.name, []).append(each.text)
    for texts in by_name.values():
        owners = {entry.name for text in texts if (entry := catalog.match(text)) is not None}
        less = Catalog((each for each in catalog.crawlers if each.name not in owners), catalog.kinds)
        for text in texts:
            reading = less.reading(text)
            if reading.visitor_class is VisitorClass.UNPROVEN:
                unseen.append(text)
            if reading.visitor_class is not VisitorClass.AI:
                unclassed.append(text)
    figures.share("left_out", unseen, len(labels.ai), of_right=True)
    figures.share("left_out_ai", unclassed, len(labels.ai), of_right=True)


def stopped(labels: Labels, policies: Iterable[Policy], identifier: Identifier) -> list[str]:
    """Strings that must pass and that one of *policies* refuses or sends to the till, and which one."""
    return [
        f"{policy.stance}: {each.text}"
        for policy in policies
        for each in labels.must_pass
        if is_stopped(each.text, policy, identifier)
    ]


def is_stopped(text: str, policy: Policy, identifier: Identifier) -> bool:
    """Whether a request with this User-Agent, from an address that proves nothing, is not simply served."""
    ask = Ask(
        id="0197f0c0-0000-7000-8000-000000000001",
        asked_at_us=1_795_651_200_000_000,
        site="journal",
        origin="https://journal.example",
        method="GET",
        target="/essays/one",
        path="/essays/one",
        headers=(("user-agent", text),),
        peer="",
        address="",
    )
    visitor = identifier.identify(ask, NOTHING)
    if isinstance(visitor, Needs):
        return False
    return rule(policy, visitor, ask, visitor.uses).verdict is not Verdict.SERVE


def shipped_policies() -> list[Policy]:
    """Each shipped stance, for a site that adds nothing of its own."""
    return [default_policy("http://127.0.0.1:8000", stance=stance) for stance in stances()]


def best_us(ask: Callable[[str], Any], texts: Sequence[str], rounds: int = 5) -> float:
    """Microseconds that *ask* takes for one of *texts*: the quickest of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for text in texts:
            ask(text)
        best = min(best, time.perf_counter() - began)
    return best / len(texts) * 1e6


def speed(catalog: Catalog, labels: Labels, figures: Figures) -> None:
    """What a look-up costs, new and remembered, and the worst of long hostile texts."""
    texts = labels.every
    figures.shares["us_uncached"] = best_us(catalog.uncached, texts)
    few = texts[:200]
    for text in few:
        catalog.reading(text)
    figures.shares["us_cached"] = best_us(catalog.reading, few * 100)
    worst = [(best_us(catalog.uncached, [(seed * 8192)[:8192]] * 20), seed) for seed in _HOSTILE]
    figures.shares["us_hostile"], seed = max(worst)
    figures.misses["us_hostile"] = [seed]


def ours(labels: Labels) -> Figures:
    """Everything about the shipped catalog and the shipped stances."""
    catalog = Catalog.shipped()
    figures = measure(judged(catalog), labels, frozenset(ROWS))
    left_out(catalog, labels, figures)
    missed = stopped(labels, shipped_policies(), Identifier(catalog, Networks.shipped(), headers=False))
    figures.shares["must_pass"] = len(missed) / len(labels.must_pass)
    figures.misses["must_pass"] = missed
    speed(catalog, labels, figures)
    return figures


def peers(labels: Labels, every: Iterable[Peer] = PEERS) -> dict[str, Figures | str]:
    """The same of every peer, or why it was not measured."""
    found: dict[str, Figures | str] = {}
    for peer in every:
        try:
            ask = peer.load()
        except ImportError as error:
            found[peer.name] = f"not measured: {error}"
            continue
        figures = measure(ask, labels, peer.knows)
        figures.shares["us_uncached"] = best_us(peer.bare(), labels.every[:: peer.stride], rounds=1)
        found[peer.name] = figures
    return found


def table(mine: Figures, others: dict[str, Figures | str]) -> Iterable[str]:
    """The figures as lines, the goal first."""
    yield f"{'':<54}{'goal':>10}{'licet':>10}" + "".join(f"{name:>21}" for name in others)
    for row, title in ROWS.items():
        sign, goal = GOALS.get(row, ("", 0.0))
        shown = f"{sign} {_shown(row, goal)}" if sign else ""
        line = f"{title:<54}{shown:>10}{_shown(row, mine.shares.get(row)):>10}"
        for figures in others.values():
            value = figures.shares.get(row) if isinstance(figures, Figures) else None
            line += f"{_shown(row, value):>21}"
        verdict = "" if not sign or holds(row, mine.shares[row]) else "   short of the goal"
        yield line + verdict
    for name, figures in others.items():
        if isinstance(figures, str):
            yield f"{name}: {figures}"


def holds(row: str, value: float) -> bool:
    """Whether *value* reaches the goal of *row*."""
    sign, goal = GOALS[row]
    return value >= goal if sign == ">=" else value <= goal


def _shown(row: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if row.startswith("us_") else f"{value:.2%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a goal is missed, 2 where there is no data."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("LICET_TEST_DATA") or "../shared/data")
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    given = parser.parse_args(arguments)
    if not (given.data / "agents").is_dir():
        print(f"no labelled data at {given.data}; set LICET_TEST_DATA", file=sys.stderr)
        return 2
    labels = Labels.read(given.data)
    mine = ours(labels)
    others = {} if given.alone else peers(labels)
    if given.json:
        print(
            json.dumps(
                {
                    "licet": mine.shares,
                    "peers": {n: f if isinstance(f, str) else f.shares for n, f in others.items()},
                },
                indent=2,
            )
        )
    else:
        print("\n".join(table(mine, others)))
    if given.misses:
        for row, found in mine.misses.items():
            for text in found:
                print(f"{row}\t{text}", file=sys.stderr)
    return 0 if all(holds(row, mine.shares[row]) for row in GOALS) else 1


if __name__ == "__main__":
    sys.exit(main())
