"""A site's first policy: six questions, and the file that the answers make.

`licet init` asks them in a terminal and the dashboard in a form; what is
asked, what an answer may be and what is written are here alone. Nothing is
written by this module: it gives the text and the name of the file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from gateway import bundled
from gateway.money import LARGEST_MICROS, Money, MoneyError
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Mode
from gateway.problems import ConfigurationError

_TRAINS: Final = frozenset({"ai-train", "fine-tune"})
_ANSWERS: Final = frozenset({"ai-input", "ai-index"})


@dataclass(frozen=True, slots=True)
class Part:
    """One of several things that a question asks for: the key of its field, what it is for, and its default."""

    name: str
    label: str
    default: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question. *name* is its key, *why* what depends on it; *choices* are (answer, what it means), none for free text.

    *parts* are asked for one by one; the answer is theirs in one line, which may be given as well.
    """

    name: str
    ask: str
    why: str
    default: str
    choices: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()


#: What prices are asked for.
PRICES: Final = (
    Part("answer_price", "For an answer made from it", "0.004"),
    Part("training_price", "For training a model on it", "0.02"),
    Part("currency", "Currency", "USD"),
)


#: The six, in the order in which they are asked.
QUESTIONS: Final = (
    Question(
        "origin",
        "Where does your own server listen?",
        "Licet stands in front of it and fetches from there; people notice nothing.",
        "http://localhost:8000",
    ),
    Question(
        "hosts",
        "Which host names does the site have?",
        "Names such as journal.example, with blanks between them; * stands for any.",
        "*",
    ),
    Question(
        "rights",
        "Are the works on it yours to license?",
        "What is unsure is never for sale.",
        "own",
        (
            ("own", "yes, I made them or they were assigned to me"),
            ("cleared", "yes, I have the right to license them on"),
            ("unsure", "I am not sure yet: nothing is for sale"),
        ),
    ),
    Question(
        "stance",
        "What do you want of crawlers?",
        "The rules to start from; everything can be changed later.",
        "search-free-training-paid",
        (
            ("open", "everything is free for everybody"),
            ("search-free-training-paid", "search is free, AI companies pay"),
            ("everything-licensed", "every AI crawler and every search engine needs a license"),
            ("research-free", "search and research are free, AI companies pay"),
            ("closed", "no AI crawler, at any price"),
        ),
    ),
    Question(
        "prices",
        "What does one fetch cost?",
        "A crawler that does both pays both. A stance without offers has no prices.",
        " ".join(each.default for each in PRICES),
        parts=PRICES,
    ),
    Question(
        "mode",
        "How much of it binds?",
        "Begin by watching; it is one line in the file.",
        "observe",
        (
            ("observe", "nothing: only watch, and see what it would have earned"),
            ("offer", "the terms are published, nobody is refused"),
            ("enforce", "the rules bind"),
        ),
    ),
)
_START: Final = """\
# The policy of one site. Every key is explained in the annotated example that
# `licet init --example` prints. After a change: licet policy check

stance = {stance}        # the shipped rules to start from; say below what differs

[site]
hosts    = [{hosts}]
origin   = {origin}    # your own server, as this machine reaches it
mode     = "{mode}"     # observe: only watch. offer: publish terms. enforce: the rules bind.
currency = "{currency}"
{offers}
[[works]]
id     = "everything"
paths  = ["/"]
rights = "{rights}"           # own | cleared | unsure. What is unsure is never for sale.
people = "none"          # persons shown in it: none | consented | unsure
"""


@dataclass(frozen=True, slots=True)
class FirstPolicy:
    """What the answers make: the *name* of the file in the folder of sites, its *text*, and the site's id."""

    name: str
    text: str
    site: str
    mode: Mode


def answers(given: Mapping[str, str]) -> dict[str, str]:
    """Every question's answer and every part of one: what was *given*, without blanks around it, else its default."""
    told = {each.name: (given.get(each.name) or each.default).strip() for each in QUESTIONS}
    parts = _parts(given)
    if parts != _parts({"prices": told["prices"]}):
        told["prices"] = " ".join(parts.values())
    return told | parts


def _parts(given: Mapping[str, str]) -> dict[str, str]:
    """The parts of the prices: each by itself, else out of all of them in one line, else its default."""
    line = given.get("prices", "").split()
    if not 2 <= len(line) <= len(PRICES):
        # What cannot be taken apart stands in the first, so that it is not lost.
        line = [" ".join(line)]
    whole = dict(zip((each.name for each in PRICES), line, strict=False))
    return {
        each.name: given.get(each.name, "").strip() or whole.get(each.name, "") or each.default
        for each in PRICES
    }


def first_policy(given: Mapping[str, str]) -> FirstPolicy | dict[str, str]:
    """The policy that the answers *given* make, or by the names of questions what is wrong with their answers.

    An answer that is left out or empty is the question's default.

    >>> first_policy({"hosts": "journal.example"}).name
    'journal.example.toml'
    """
    told = answers(given)
    wrong = {
        each.name: f"is one of {', '.join(answer for answer, _ in each.choices)}"
        for each in QUESTIONS
        if each.choices and told[each.name] not in dict(each.choices)
    }
    hosts = tuple(dict.fromkeys(told["hosts"].replace(",", " ").lower().split()))
    name = "site" if hosts[:1] == ("*",) else hosts[0].replace(":", "-") if hosts else ""
    if not name or PurePath(name).name != name or name.startswith("."):
        wrong["hosts"] = "is a host name such as journal.example, or *"
    prices = _prices(told)
    if isinstance(prices, str):
        wrong["prices"] = prices
    if wrong or isinstance(prices, str):
        return wrong
    text = _START.format(
        stance=json.dumps(told["stance"]), hosts=", ".join(map(json.dumps, hosts)),
        origin=json.dumps(told["origin"]), mode=told["mode"], rights=told["rights"],
        currency=prices[0].currency, offers=_offers(told["stance"], *prices),
    )  # fmt: skip
    try:
        read = read_policy_text(text, f"{name}.toml")
    except ConfigurationError as error:
        unsure = told["rights"] == "unsure"
        return dict(_question_of(each.key, str(each.expected), unsure=unsure) for each in error.mistakes)
    return FirstPolicy(f"{name}.toml", text, read.site.id, read.site.mode)


def _prices(told: Mapping[str, str]) -> tuple[Money, Money] | str:
    """The prices of an answer and of training, or what is wrong with what was *told*."""
    if not 2 <= len(told["prices"].split()) <= len(PRICES):
        return "is two amounts and a currency, such as 0.004 0.02 USD"
    try:
        answer, training = (Money.parse(told[each.name], told["currency"].upper()) for each in PRICES[:2])
    except MoneyError as error:
        return str(error)
    if answer.micros + training.micros > LARGEST_MICROS:
        return "is more than this gateway books"
    return answer, training


def _offers(stance: str, answer: Money, training: Money) -> str:
    """What the file says of prices: nothing where they are the stance's own."""
    usual = _prices(answers({}))
    assert not isinstance(usual, str)
    if (answer.micros, training.micros) == (usual[0].micros, usual[1].micros):
        return ""
    shipped = tomllib.loads(bundled.policies("stances", f"{stance}.toml").read_text("utf-8"))
    found = ""
    for name, offer in shipped.get("offers", {}).items():
        uses = set(offer["uses"])
        parts = [price for price, some in ((answer, _ANSWERS), (training, _TRAINS)) if uses & some]
        if parts:
            total = Money(sum(each.micros for each in parts), answer.currency)
            found += f'\n[offers.{name}]\nprice = {{ per_fetch = "{total.amount}" }}\n'
    return found and f"\n# What differs from the stance: the prices.\n{found.lstrip()}"


def _question_of(key: str, expected: str, *, unsure: bool) -> tuple[str, str]:
    """The question that a mistake at *key* of the file belongs to, and what to say there."""
    for name in ("origin", "hosts", "mode"):
        if key.startswith(f"site.{name}"):
            return name, expected
    if key.startswith("offers") and unsure:
        return "rights", "leaves nothing to sell: take the stance open or closed, or settle the rights first"
    return ("prices" if key.startswith(("offers", "site.currency")) else "stance"), expected
