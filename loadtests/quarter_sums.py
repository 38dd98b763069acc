"""What three licensees owe for a quarter, added up by hand: fractions of whole numbers, and nothing of the gateway.

Reads the `facts.json` that `loadtests.quarter` wrote before anything was booked:
the deals as people agreed on them, and what happened. Imports no module of the
gateway, so that a mistake in one of the two is not made in the other.

python -m loadtests.quarter_sums FOLDER/facts.json
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


def half_up(exact: Fraction) -> int:
    """The nearest whole micro-unit, halves up; nothing here is below zero."""
    return (exact.numerator * 2 + exact.denominator) // (exact.denominator * 2)


def sums(facts: Facts) -> dict[str, int]:
    """The balance of every account in micro-units of USD, by a name of its own; zero is left out."""
    found: dict[str, int] = defaultdict(int)
    for deal in facts["deals"]:
        _deal(deal, facts, found)
    for payout in facts["payouts"]:
        account = f"author {payout['author']}"
        # Everything is what whole cents there are.
        micros = payout["micros"] or found[account] // 10_000 * 10_000
        found["paid out"] += micros
        found["payout fees"] += payout["fee"]
        found[account] -= micros + payout["fee"]
    return {name: micros for name, micros in sorted(found.items()) if micros}


def _deal(deal: Facts, facts: Facts, found: dict[str, int]) -> None:
    who = deal["licensee"]
    fetches = [each for each in facts["fetches"] if each["licensee"] == who]
    paid = [each for each in fetches if each["paid"]]
    by_fetch = sum(deal["per_fetch"] for _ in paid)
    found[f"prepaid {who}"] += deal["credit"] - by_fetch - deal["fee"]
    found["bank"] -= deal["credit"]
    works = defaultdict(int)
    for each in paid:
        works[each["work"]] += deal["per_fetch"]

    owed = _items(deal, paid, facts["months"])
    owed += _reported(deal, facts)
    waited = released = 0
    for milestone in deal["milestones"]:
        part = half_up(Fraction(deal["upfront"] * milestone["share"], 10_000))
        to_creator = half_up(Fraction(part * milestone["released"], 100))
        found["bank"] -= to_creator + (part if milestone["waits"] else 0)
        waited += part if milestone["waits"] else 0
        released += to_creator
    if waited:
        found[f"escrow {who}"] += waited
    parts = by_fetch + deal["fee"] + owed + released
    owed += max(0, deal["guarantee"] - parts)
    owed += _interest(deal, paid, facts["months"])
    payments = sum(each["micros"] for each in deal["payments"])
    found[f"owed {who}"] -= owed - payments
    found[f"prepaid {who}"] -= payments
    for work, micros in works.items():
        _shared(work, Fraction(micros), facts["authors"], found)
    beside = owed + deal["fee"] + released
    for work in deal["works"]:
        _shared(work, Fraction(beside, len(deal["works"])), facts["authors"], found)


def _items(deal: Facts, paid: list[Facts], months: list[list[int]]) -> int:
    first: dict[str, int] = {}
    for each in paid:
        first[each["path"]] = min(first.get(each["path"], each["at"]), each["at"])
    total = 0
    for begins, ends in months:
        total += sum(begins <= at < ends for at in first.values()) * deal["per_item"]
        octets = sum(each["bytes"] for each in paid if begins <= each["at"] < ends)
        total += half_up(Fraction(octets * deal["per_megabyte"], 1_000_000))
    return total


def _interest(deal: Facts, paid: list[Facts], months: list[list[int]]) -> int:
    """On the megabytes of each month that are paid late: by the day, until the last month that is over.

    A payment pays the oldest of them first, and its own day still counts.
    """
    if not deal["interest"]:
        return 0
    last = _day(months[-1][1]) - timedelta(1)
    payments = [(_day(each["at"]), each["micros"]) for each in deal["payments"]]
    total = 0
    for begins, ends in months:
        octets = sum(each["bytes"] for each in paid if begins <= each["at"] < ends)
        left = half_up(Fraction(octets * deal["per_megabyte"], 1_000_000))
        due_on = _weekdays_after(_day(ends - 1), deal["payment_days"])
        weighed, rest = 0, []
        for on, micros in payments:
            part = min(left, micros)
            weighed += part * max(0, (min(on, last) - due_on).days)
            left -= part
            rest.append((on, micros - part))
        payments = rest
        weighed += left * max(0, (last - due_on).days)
        total += half_up(Fraction(weighed * deal["interest"], 365 * 10_000))
    return total


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _weekdays_after(day: date, count: int) -> date:
    while count:
        day += timedelta(1)
        count -= day.weekday() < 5
    return day


def _reported(deal: Facts, facts: Facts) -> int:
    report = deal["report"]
    if not report:
        return 0
    euros = half_up(Fraction(report["eur"]) * Fraction(facts["eur_in_usd"]))
    share = half_up(Fraction((report["usd"] + euros) * deal["share"], 10_000))
    return share + half_up(Fraction(report["answers"] * deal["per_answer"]))


def _shared(work: str, micros: Fraction, authors: Facts, found: dict[str, int]) -> None:
    """To authors exactly: in this quarter every amount divides without rest, and `whole` says so."""
    left = micros
    for name, percent in authors.get(work, {}).items():
        part = micros * percent / 100
        found[f"author {name}"] += whole(part)
        left -= part
    found["creator"] += whole(left)


def whole(amount: Fraction) -> int:
    """*amount*, which is a whole number of micro-units."""
    if amount.denominator != 1:
        raise SystemExit(f"{amount} is no whole number of micro-units; choose other figures")
    return amount.numerator


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("facts", type=Path)
    for name, micros in sums(json.loads(parser.parse_args().facts.read_text())).items():
        print(f"{micros:>20,}  {name}")
