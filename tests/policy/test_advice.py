"""What looks wrong is said of rules and of how they are told, in one list."""

from __future__ import annotations

from gateway.policy.advice import advice_for
from gateway.policy.lint import lint
from gateway.policy.reading import default_policy, read_policy_text
from gateway.visitors.catalog import Catalog

TEXT = """
stance = "closed"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:1"
[[rules]]
when = { crawler = "Gptbott" }
then = "refuse"
[[rules]]
when = { class = "search-engine" }
then = "refuse"
[[rules]]
then = "serve"
"""


def test_what_lint_and_the_telling_say_is_one_list():
    catalog = Catalog.shipped()
    policy = read_policy_text(TEXT, "journal.toml")
    found = advice_for(policy, catalog)
    entries = catalog.crawlers
    crawlers = [entry.crawler for entry in entries]
    rules = lint(policy, frozenset(each.name for each in crawlers), crawlers)
    assert rules
    assert found[: len(rules)] == rules
    assert all(each.key and each.sentence for each in found)
    assert advice_for(default_policy("http://127.0.0.1:1"), catalog) != found
