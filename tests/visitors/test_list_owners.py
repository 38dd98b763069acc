"""Whose list is it, and whose network is an unnamed visitor in?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from gateway.visitors.catalog import Catalog
from gateway.visitors.list_owners import ListOwners
from gateway.visitors.networks import Networks


def seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def test_a_list_knows_its_crawlers(catalog: Catalog) -> None:
    owners = ListOwners(catalog)
    assert {entry.name for entry in owners.entries("anthropic")} >= {
        "ClaudeBot", "Claude-User", "Claude-SearchBot",
    }  # fmt: skip
    assert owners.entries("nobody") == ()


def test_a_list_of_ai_crawlers_alone_is_ai(catalog: Catalog) -> None:
    owners = ListOwners(catalog)
    assert owners.is_ai("anthropic")
    assert owners.is_ai("openai-chatgpt-user")
    assert not owners.is_ai("googlebot")
    assert not owners.is_ai("nobody")


def test_a_browser_in_an_operators_network(catalog: Catalog, networks: Networks) -> None:
    owners = ListOwners(catalog)
    found = owners.undeclared(networks, "9.129.45.186", seconds("2026-09-03"))
    assert found is not None
    assert (found.reason, found.operator, found.ai) == (
        "ip_operator_undeclared:openai-chatgpt-user", "OpenAI", True,
    )  # fmt: skip
    assert [entry.name for entry in found.entries] == ["ChatGPT-User"]
    assert found.fresh
    later = owners.undeclared(networks, "9.129.45.186", seconds("2026-11-24"))
    assert later == replace(found, fresh=False)
    search = owners.undeclared(networks, "66.249.64.1", 0)
    assert search is not None
    assert not search.ai
    assert owners.undeclared(networks, "81.2.69.142", 0) is None
    assert owners.undeclared(networks, "", 0) is None


def test_a_shared_network_names_nobody(catalog: Catalog, networks: Networks) -> None:
    shared = Networks(
        replace(each, shared=each.name == "openai-chatgpt-user") for each in networks.lists.values()
    )
    assert ListOwners(catalog).undeclared(shared, "9.129.45.186", 0) is None
    assert networks.lists["amazonbot"].shared
    assert (
        ListOwners(catalog).undeclared(networks, str(networks.lists["amazonbot"].prefixes[0][0]), 0) is None
    )
