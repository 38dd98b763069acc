"""Which rule it was, in the words of the policy of then."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from gateway.dashboard.policy_shelf import digest_of
from gateway.dashboard.rules_then import RulesThen, ToldRule, line_page

OWN = '\n[[rules]]\nwhen = { crawler = "GPTBot" }\nthen = "refuse"\n[[rules]]\nthen = "serve"\n'


def test_a_rule_of_the_present_one_of_then_and_one_of_rules_that_nobody_kept(files):
    policy, then = files.policies[0], RulesThen(files)
    said = then.told("journal", policy.digest, "rules[4]")
    assert said.words.startswith("rule 5: AI crawlers need a license (")
    assert said.line == line_page("journal", "rules[4]")
    text = files.text(policy)
    (version,) = files.versions(policy)
    assert files.activate(policy, text + OWN, digest_of(text))
    files._shelf().reload()
    before = then.told("journal", policy.digest, "rules[4]")
    assert before.words == f"{said.words}, as it was then"
    assert parse_qs(urlsplit(before.line).query) == {"rule": ["rules[4]"], "version": [version.sha256]}
    now = files.policies[0]
    assert then.told("journal", now.digest, "rules[0]").words == "rule 1: crawlers named gptbot are refused"
    assert then.earlier(now, policy.digest)[1].digest == policy.digest
    assert then.told("journal", "sha-256:lost", "rules[0]") == ToldRule(
        "rule 1 of rules that are not kept here"
    )


def test_without_rules_a_rule_has_its_number(files):
    assert RulesThen(None).told("journal", "sha-256:x", "rules[2]") == ToldRule("rule 3")
    assert RulesThen(None).earlier(files.policies[0], "sha-256:x") is None
    assert RulesThen(files).told("nobody", "sha-256:x", "free") == ToldRule(
        "the paths that are free for everyone"
    )
    assert RulesThen(files).told("journal", files.policies[0].digest, "") == ToldRule("")
