"""Dashboard and alert rules: every metric they name is one that a gateway tells, with these labels."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway.app.metrics_door import Watched, exposition
from gateway.bundled import policies
from gateway.front.tallies import Tallies

#: What Prometheus adds itself.
OWN = {"up"}


def told() -> dict[str, set[str]]:
    """Labels of every sample of a gateway that has seen one of each."""
    from gateway.provenance.record import FetchRecord

    tallies = Tallies(["GPTBot"])
    shape = dict.fromkeys(FetchRecord.__dataclass_fields__, "")
    numbers = dict.fromkeys(
        ("time_us", "duration_us", "status", "bytes_sent", "price_micros", "quote_micros", "v"), 0
    )
    tallies.fetched(
        FetchRecord(
            **{**shape, **numbers, "charged_micros": 5, "currency": "USD", "outcome": "licensed", "uses": ()}
        )
    )
    state = {"connections": 1, "journal": "", "faults": 0, "refusals": {"bad-request": 1}}

    class Policy:
        digest = "0" * 64

        class site:
            id, mode = "journal", "enforce"

    text = exposition(Watched(tallies.told, lambda: [state], lambda: [Policy], lambda: "")).decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def expressions() -> list[tuple[str, str]]:
    board = json.loads(policies("integrations", "grafana-licet.json").read_text())
    found = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    found += [
        (each["name"], each["query"]["query"])
        for each in board["templating"]["list"]
        if each["type"] == "query"
    ]
    rules = yaml.safe_load(policies("integrations", "prometheus-alerts.yaml").read_text())
    return found + [(rule["alert"], rule["expr"]) for group in rules["groups"] for rule in group["rules"]]


@pytest.mark.parametrize(("name", "expression"), expressions(), ids=[name for name, _ in expressions()])
def test_every_metric_that_is_named_is_told(name, expression):
    known = told()
    without = re.sub(r'"[^"]*"', '""', expression)
    metrics = set(re.findall(r"\b(licet_[a-z_]+|up)\b", without))
    assert metrics
    assert metrics <= known.keys() | OWN
    labels = {
        each for inside in re.findall(r"\{([^}]*)\}", without) for each in re.findall(r"(\w+)\s*[=!]", inside)
    }
    labels |= {
        each.strip() for inside in re.findall(r"by \(([^)]*)\)", without) for each in inside.split(",")
    }
    assert labels - {"job"} <= set().union(*(known.get(each, set()) for each in metrics))


def test_every_metric_that_is_told_is_shown_or_says_what_runs():
    shown = " ".join(expression for _, expression in expressions())
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in told()}
    assert {name for name in families if name not in shown} <= {"licet_build_info", "licet_requests"}


def test_panels_do_not_overlap_and_have_ids_of_their_own():
    panels = json.loads(policies("integrations", "grafana-licet.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
