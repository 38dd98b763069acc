"""Which rule was it? The key of a rule, in words for people. Pure.

``rules[2]`` is where a rule stands in a file, and what records and answers name
for programs. Whoever wrote no file reads "rule 3", and what that rule says.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from gateway.languages import Phrase
from gateway.policy.rules import Match, Policy, Rule, Verdict
from gateway.terms.license_terms import Offer
from gateway.visitors.visitor import VisitorClass

_KEY: Final = re.compile(r"rules\[([0-9]{1,9})\]", re.ASCII)
#: What decides besides the rules: what each word in the place of a rule's key means.
_OTHERS: Final = MappingProxyType(
    {
        "free": Phrase("the paths that are free for everyone"),
        "honeypot": Phrase("the path behind which nothing is"),
        "default": Phrase("no rule: none speaks of this visitor"),
        "otherwise": Phrase("what holds on a page that is in no work"),
        "unverifiable": Phrase("what holds for a name that cannot be checked just now"),
        "withdrawn": Phrase("what the owner has withdrawn"),
    }
)
_CLASSES: Final = MappingProxyType(
    {
        VisitorClass.AI: "AI crawlers",
        VisitorClass.SEARCH_ENGINE: "search engines",
        VisitorClass.SERVICE: "services such as link previews",
        VisitorClass.AUTOMATION: "programs that nobody knows",
        VisitorClass.UNPROVEN: "visitors who show no sign of a program",
    }
)
_MOST: Final = 4


def numbered(key: str) -> str:
    """A rule by its number, counted from one as people count, or what decided besides the rules.

    >>> numbered("rules[2]"), numbered("free")
    ('rule 3', 'the paths that are free for everyone')
    """
    if found := _KEY.fullmatch(key):
        return Phrase("rule {number}", number=int(found[1]) + 1)
    return _OTHERS.get(key, key)


def rule_words(policy: Policy, key: str) -> str:
    """What the rule at *key* of *policy* says: ``rule 5: AI crawlers need a license (training: 0.02 USD a fetch)``.

    Its number alone, or what decided besides the rules, where *policy* has no rule there.
    """
    found = next((each for each in policy.rules if each.key == key), None)
    return f"{numbered(key)}: {_says(policy, found)}" if found else numbered(key)


def _says(policy: Policy, rule: Rule) -> str:
    who, where = _who(rule.when), _where(rule.when)
    about = f"{who} {where}" if where else who
    if rule.verdict is Verdict.SERVE:
        return f"{about} read for nothing"
    if rule.verdict is Verdict.REFUSE:
        return f"{about} are refused"
    sold = [policy.by_offer[name] for name in rule.offers if name in policy.by_offer]
    return f"{about} need a license{f' ({_few([_price(each) for each in sold])})' if sold else ''}"


def _price(offer: Offer) -> str:
    return f"{offer.id}: {f'{offer.price} a fetch' if offer.price.micros else 'nothing by the fetch'}"


def _who(when: Match) -> str:
    """Whom a rule speaks of: names before purposes, and those before classes."""
    of = f" of {_few(sorted(when.operators), ' or ')}" if when.operators else ""
    if when.crawlers:
        who = f"crawlers named {_few(sorted(when.crawlers), ' or ')}{of}"
    elif when.purposes:
        who = f"crawlers{of} for {_few(sorted(when.purposes), ' or ')}"
    elif when.classes:
        who = _few([_CLASSES[each] for each in VisitorClass if each in when.classes], " or ") + of
    else:
        who = f"crawlers{of}" if of or when.uses or when.proofs else "all visitors"
    if when.uses:
        who += f" that use pages for {_few(sorted(when.uses), ' or ')}"
    if when.proofs:
        who += f" (identity {_few(sorted(when.proofs), ' or ')})"
    return who


def _where(when: Match) -> str:
    """Where a rule holds; "" for everywhere."""
    parts = [
        f"on {_few(sorted(scope.pattern for scope in when.paths))}" if when.paths else "",
        f"in the works {_few(sorted(when.works))}" if when.works else "",
        f"from {_few(sorted(when.countries))}" if when.countries else "",
    ]
    return " ".join(part for part in parts if part)


def _few(words: list[str], last: str = ", ") -> str:
    """*words* in a line, the first of them where they are many."""
    shown = words if len(words) <= _MOST else [*words[: _MOST - 1], f"{len(words) - _MOST + 1} more"]
    return ", ".join(shown[:-1]) + (last if shown[:-1] else "") + shown[-1]
