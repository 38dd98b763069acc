"""One text for each policy and origin, and a bounded memory of them."""

from __future__ import annotations

from dataclasses import replace

from gateway.app import publisher
from gateway.app.publisher import Publisher
from gateway.policy.reading import default_policy
from gateway.visitors.catalog import Catalog


def test_a_text_is_made_once_and_is_that_of_its_origin():
    say = Publisher(Catalog.shipped())
    policy = default_policy("http://127.0.0.1:1")
    one = say(policy, "https://a.example")
    assert say(policy, "https://a.example") is one
    assert one.origin == "https://a.example"
    assert one.digest == policy.digest
    assert say(policy, "https://b.example").origin == "https://b.example"


def test_forged_hosts_fill_no_memory(monkeypatch):
    monkeypatch.setattr(publisher, "_MOST", 3)
    say = Publisher(Catalog.shipped())
    policy = default_policy("http://127.0.0.1:1")
    for number in range(10):
        say(policy, f"https://h{number}.example")
    assert len(say._made) <= 3


def test_forged_hosts_have_nothing_worked_out_again(monkeypatch):
    worked, publish = [], publisher.publish

    def counted(*given, **named):
        worked.append(given)
        return publish(*given, **named)

    monkeypatch.setattr(publisher, "publish", counted)
    say = Publisher(Catalog.shipped())
    policy = default_policy("http://127.0.0.1:1")
    other = replace(policy, digest="sha-256:other")
    said = [say(policy, f"https://h{number}.example") for number in range(10)]
    assert len(worked) == 1
    assert said[3] == publish(policy, "https://h3.example", say._tokens, robots_only=say._robots_only)
    say(other, "https://h3.example")
    assert len(worked) == 2


def test_only_tokens_that_robots_txt_can_hold_are_published():
    catalog = Catalog.shipped()
    tokens = publisher._robots_tokens(catalog)
    assert tokens.keys() == {entry.name for entry in catalog.crawlers}
    assert all(
        token.replace("-", "").replace("_", "").isalpha() for _, each in tokens.values() for token in each
    )
