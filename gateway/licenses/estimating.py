"""The price calculator: what people type, read with every mistake at once, and the result for people and machines.

The same names are the keys of a form's address and, with dashes, the flags of
``licet price``. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.licenses.pricing_guide import (
    LABEL,
    LARGEST_COUNT,
    MODELS,
    PRODUCTS,
    Estimate,
    Expected,
    Guide,
    Part,
    Suggestion,
    estimates,
    multiple,
    percent,
    suggestions,
)
from gateway.licenses.written import Section, Table, Writing
from gateway.money import Money, MoneyError

#: What is a count, what an amount, and what is chosen, by the names of `Expected`.
COUNTS: Final = ("views", "all_views", "files", "minutes", "inferences")
AMOUNTS: Final = ("revenue", "net_revenue")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "model": MODELS,
    "product": PRODUCTS,
    "exclusive": ("yes",),
}
NAMES: Final = ("views", "all_views", "revenue", "files", "minutes", "inferences", "net_revenue", *CHOICES)
YOURS: Final = "Floors are yours alone: this page is not for a buyer."
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
_NOTHING: Final = "\u2014"


def read_expected(
    given: Mapping[str, str], currency: str
) -> tuple[Expected | None, tuple[tuple[str, str], ...]]:
    """What *given* says by the names of `NAMES`; or None, and what is wrong as (name, sentence).

    An empty text is a figure that is not known. Raises nothing.
    """
    found: dict[str, object] = {}
    mistakes: list[tuple[str, str]] = []
    for name, text in given.items():
        written = text.strip()
        if name not in NAMES:
            mistakes.append((name[:40], "is no figure of this calculator"))
        elif not written:
            continue
        elif name in COUNTS:
            if not _WHOLE.fullmatch(written) or int(written) > LARGEST_COUNT:
                mistakes.append((name, f"is a whole number from 0 to {LARGEST_COUNT}, without separators"))
            else:
                found[name] = int(written)
        elif name in AMOUNTS:
            amount = _amount(written, currency)
            if isinstance(amount, str):
                mistakes.append((name, amount))
            else:
                found[name] = amount
        elif written not in CHOICES[name]:
            mistakes.append((name, f"is {' or '.join(CHOICES[name])}, or left out"))
        else:
            found[name] = written == "yes" if name == "exclusive" else written
    if "all_views" in found and "views" not in found and not mistakes:
        mistakes.append(("views", "is missing: all_views says what it is a part of"))
    if mistakes:
        return None, tuple(mistakes)
    return Expected(currency, **found), ()  # type: ignore[arg-type]


def _amount(text: str, currency: str) -> Money | str:
    try:
        amount = Money.read(text) if " " in text else Money.parse(text, currency)
    except MoneyError as error:
        return f"cannot be read: {error}"
    return amount if amount.currency == currency else f"is in {currency}, as every amount of this site"


def calculated(guide: Guide, expected: Expected, *, site: str) -> Writing:
    """The result for the creator. It shows floors, so it is for nobody else."""
    rows = [
        (each.framework.label, each.framework.formula, each.worked or each.unit, _range(each))
        for each in estimates(guide, expected)
    ]
    frameworks = Section(
        "Frameworks",
        (
            "Amounts are for a period: that of the figures, a year unless they are of another.",
            *_lacking(estimates(guide, expected)),
        ),
        (
            Table(
                "What each comes to",
                ("Framework", "Formula", "With your figures", "From and to"),
                tuple(rows),
                name="frameworks",
            ),
        ),
    )
    tiers = [row for each in suggestions(guide, expected) for row in _rows(each)]
    suggested = Section(
        "Suggested for each tier of use",
        (
            "The ask is the upper end of a range and the floor its lower end; the target lies between them.",
            YOURS,
        ),
        (
            Table(
                "Ask, target and floor",
                ("Tier", "What is paid", "Ask", "Target", "Floor", "Exclusive ask"),
                tuple(tiers),
                frozenset({2, 3, 4, 5}),
                "tiers",
            ),
        ),
    )
    return Writing(
        f"Price calculator: {site}", f"{LABEL} {_ranges(expected)}", (frameworks, suggested), compact=True
    )


def as_json(guide: Guide, expected: Expected, *, site: str) -> dict[str, object]:
    """The same for machines; amounts as whole micro-units, shares in millionths."""
    return {
        "site": site,
        "currency": expected.currency,
        "label": LABEL,
        "notice": calculated(guide, expected, site=site).notice,
        "expected": {
            name: _plain(getattr(expected, name))
            for name in NAMES
            if getattr(expected, name) not in {None, ""}
        },
        "frameworks": [
            {
                "framework": str(each.framework),
                "formula": each.framework.formula,
                "range": each.unit,
                "worked": each.worked,
                "low_micros": _plain(each.low),
                "high_micros": _plain(each.high),
                "missing": list(each.missing),
            }
            for each in estimates(guide, expected)
        ],
        "tiers": [
            {
                "tier": each.tier,
                "uses": each.what,
                "missing": list(each.missing),
                "parts": [
                    {
                        "part": part.name,
                        "unit": "millionths" if part.name == "revenue_share" else "micros",
                        **{
                            name: _plain(getattr(part, name))
                            for name in ("ask", "target", "floor", "exclusive")
                        },
                    }
                    for part in each.parts
                ],
            }
            for each in suggestions(guide, expected)
        ],
    }


def _plain(value: object) -> object:
    return value.micros if isinstance(value, Money) else value


def _range(each: Estimate) -> str:
    if each.low is None or each.high is None:
        return f"not worked out without {' and '.join(each.missing)}"
    return str(each.low) if each.low == each.high else f"{each.low.amount} to {each.high}"


def _lacking(every: tuple[Estimate, ...]) -> tuple[str, ...]:
    if any(each.missing for each in every):
        return ("What is not known is not guessed: give the figure that a framework is without.",)
    return ()


def _ranges(expected: Expected) -> str:
    how = "exclusive" if expected.exclusive else "not exclusive"
    taken = (
        ""
        if expected.currency == "USD"
        else f" The shipped amounts were written for USD and are taken as {expected.currency}."
    )
    return f"Worked out for a license that is {how}.{taken}"


def _rows(each: Suggestion) -> list[tuple[str, ...]]:
    return [
        (
            f"{each.tier}: {each.what}",
            part.words if part.ask is not None else f"{part.words} (needs {' and '.join(each.missing)})",
            *(_shown(part, name) for name in ("ask", "target", "floor", "exclusive")),
        )
        for part in each.parts
    ]


def _shown(part: Part, name: str) -> str:
    value = getattr(part, name)
    if value is None:
        return _NOTHING
    return str(value) if isinstance(value, Money) else percent(value)


def policy_lines(guide: Guide, suggestion: Suggestion) -> str:
    """What to write into an offer of the policy to ask for *suggestion*; "" where figures are missing.

    The position's multiples are of the ask, and one for all parts: those that
    give least away, so that no part falls below its own floor.
    """
    known = [part for part in suggestion.parts if part.ask]
    if suggestion.missing or not known:
        return ""
    price = ", ".join(f'{part.name} = "{_written(part.ask)}"' for part in known)
    target, floor = (
        max(-(-_number(getattr(part, name)) * 1_000_000 // _number(part.ask)) for part in known)
        for name in ("target", "floor")
    )
    # No part's own target lies below the common floor.
    position = f'target = "{multiple(max(target, floor))}", floor = "{multiple(floor)}"'
    premium = f', exclusive_premium = "{multiple(guide.exclusive)}"' if suggestion.tier == 1 else ""
    return f"price = {{ {price} }}\nposition = {{ {position}{premium} }}\n"


def _number(value: Money | int | None) -> int:
    assert value is not None
    return value.micros if isinstance(value, Money) else value


def _written(value: Money | int | None) -> str:
    if isinstance(value, Money):
        return value.amount
    # A policy's share has two decimals.
    bp = -(-_number(value) // 100)
    return percent(bp * 100)
