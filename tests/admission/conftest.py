"""Builders of the values that admission compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.ask import Ask
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Ruling, Verdict
from gateway.terms.license_terms import (
    Compensation,
    LicenseTerms,
    Offer,
    Purpose,
    Scope,
    Territory,
)
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use
from gateway.visitors.visitor import Crawler, Visitor, VisitorClass

NOW = 1_795_000_000

CLAIMS = Claims(
    issuer="https://journal.example/.licet",
    audience="https://journal.example",
    client="cl_1",
    token_id="0192",
    issued_at=NOW - 60,
    not_before=NOW - 60,
    expires_at=NOW + 3600,
    license="lic_1",
    licensee="le_1",
    scopes=(PathScope("/essays/"),),
    renditions=("page",),
    uses=frozenset({Use.AI_TRAIN}),
    territory=Territory(frozenset({"DE", "FR"})),
    crawlers=frozenset(),
    budget=Budget(None, 3),
    price=Money(5_000, "USD"),
    terms="sha-256:t",
    policy="sha-256:p",
)

ASK = Ask(
    id="0192-a",
    asked_at_us=NOW * 1_000_000,
    site="journal",
    origin="https://journal.example",
    method="GET",
    target="/essays/tides",
    path="/essays/tides",
    country="DE",
    country_basis="header",
)

GPTBOT = Visitor(
    VisitorClass.AI,
    Crawler("GPTBot", "OpenAI", ("training",), frozenset({Use.AI_TRAIN}), VisitorClass.AI, True),
)


def _offer(
    name: str = "training", price: int = 5_000, uses: frozenset[Use] = frozenset({Use.AI_TRAIN})
) -> Offer:
    terms = LicenseTerms(
        scope=Scope(("essays",), (PathScope("/essays/"),)),
        purpose=Purpose(uses),
        compensation=Compensation("USD", per_fetch=Money(price, "USD") if price else None),
    )
    return Offer(name, "journal", terms, "sha-256:p")


RULING = Ruling(
    Verdict.LICENSE,
    "rules[1]",
    "rule 2 matches class ai",
    "sha-256:p",
    Mode.ENFORCE,
    (_offer(),),
    "essays",
    "page",
)


@pytest.fixture
def claims() -> Callable[..., Claims]:
    """Claims as they are good, with any member replaced."""
    return lambda **changes: replace(CLAIMS, **changes)


@pytest.fixture
def ask() -> Callable[..., Ask]:
    """An ask the claims cover, with any member replaced."""
    return lambda **changes: replace(ASK, **changes)


@pytest.fixture
def visitor() -> Callable[..., Visitor]:
    """GPTBot, with any member replaced."""
    return lambda **changes: replace(GPTBOT, **changes)


@pytest.fixture
def ruling() -> Callable[..., Ruling]:
    """A ruling that asks for a license, with any member replaced."""
    return lambda **changes: replace(RULING, **changes)


@pytest.fixture
def offer() -> Callable[..., Offer]:
    """An offer by name, price in micros, uses."""
    made: Callable[..., Any] = _offer
    return made
