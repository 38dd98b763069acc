"""Do other readers read our robots.txt as it is meant? Asked whenever one is made.

Two are asked that many crawlers are made with: protego (RFC 9309, as Scrapy has
it) and Python's own, which stops at the first group and the first rule that fit
and knows neither ``*`` nor ``$``. Both must close what the terms refuse, and
both must leave open what our own reading of the same file leaves open.

The check looks at what the terms speak of and at a sample of the site's own
rules, not at every rule: a file may have thousands. Pure; raises nothing on any
octets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Final
from urllib.robotparser import RobotFileParser

from protego import Protego

from gateway.terms.license_terms import PublishedTerms
from gateway.terms.robots_pattern import plain
from gateway.terms.robots_txt import Robots, parse_robots

#: A name that no file has a group for.
_STRANGER: Final = "Nobody-In-Particular"
_MOST_TOKENS: Final = 12
_MOST_PATHS: Final = 40
#: So many rules are looked at in all, because the first request for the file waits for it.
_MOST_COMPARED: Final = 6_000
_MOST_OCTETS: Final = 64 * 1024
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_HOST: Final = "https://site.invalid"

_Reads = Callable[[str, str], bool]


def robots_faults(octets: bytes, terms: PublishedTerms) -> tuple[str, ...]:
    """Each way in which a reader takes *octets*, made of *terms*, for something else; nothing where all agree.

    One sentence a reader, token and path, for the owner's log; of a file above
    64 KiB only what our own reading says is held against the terms.
    """
    ours = parse_robots(octets)
    text = octets.decode("utf-8", "replace")
    readers = _readers(text) if len(octets) <= _MOST_OCTETS else ()
    found = []
    paths = _paths(ours, terms)
    for token in _tokens(ours, terms):
        group = ours.group_of(token) or ours.group_of("*")
        rules = group.rules if group else ()
        literal = all(plain(rule.pattern) for rule in rules)
        for path in paths[: max(_MOST_COMPARED // (len(rules) + 1), 4)]:
            meant = ours.allows(token, path)
            if meant and _refused(terms, token, path):
                found.append(f"{path} is refused to {token} and yet open to it")
                continue
            for name, wants_literal, allows in readers:
                if ((literal and "?" not in path) or not wants_literal) and allows(token, path) is not meant:
                    found.append(f"{name} takes {path} for {'closed' if meant else 'open'} to {token}")
    return tuple(found)


def hidden_offers(origin: bytes | None, terms: PublishedTerms) -> tuple[str, ...]:
    """Each place for sale that the site's own file closes: whoever obeys it never learns of the offer.

    *origin* is the site's own file, or None. One sentence a scope, naming a few
    of those who are kept out; places that the terms refuse to them are no news.
    """
    theirs = parse_robots(origin or b"")
    tokens = [token for group in theirs.groups for token in group.tokens if _TOKEN.fullmatch(token)]
    asked = (*dict.fromkeys(islice(tokens, _MOST_TOKENS)), _STRANGER)
    found = []
    for scope in terms.scopes:
        if not scope.offers or "*" in scope.paths[0].pattern:
            continue
        page = f"{scope.paths[0].pattern.rstrip('/')}/a-page"
        out = [
            "everybody else" if token == _STRANGER else token
            for token in asked
            if not theirs.allows(token, page) and not _refused(terms, token, page)
        ]
        if out:
            named = ", ".join(out[:3]) + (f" and {len(out) - 3} more" if len(out) > 3 else "")
            found.append(
                f"the site's own file closes {scope.paths[0].pattern}, which an offer sells, to {named}"
            )
    return tuple(found)


def _readers(text: str) -> tuple[tuple[str, bool, _Reads], ...]:
    protego = Protego.parse(text)
    standard = RobotFileParser()
    standard.parse(text.splitlines())
    standard.modified()
    return (
        ("protego", False, lambda token, path: bool(protego.can_fetch(_HOST + path, token))),
        ("urllib.robotparser", True, lambda token, path: standard.can_fetch(token, _HOST + path)),
    )


def _tokens(ours: Robots, terms: PublishedTerms) -> Iterator[str]:
    refused = chain.from_iterable(stance.tokens for stance in terms.robots)
    named = chain.from_iterable(group.tokens for group in ours.groups)
    plainly = (token for token in chain(refused, named) if _TOKEN.fullmatch(token))
    return iter((*islice(dict.fromkeys(plainly), _MOST_TOKENS), _STRANGER))


def _paths(ours: Robots, terms: PublishedTerms) -> tuple[str, ...]:
    scopes = chain(
        chain.from_iterable(stance.refused for stance in terms.robots),
        chain.from_iterable(scope.paths for scope in terms.scopes),
    )
    wanted = chain(
        ("/", "/a-page"),
        (
            f"{scope.pattern.rstrip('/').replace('*', 'x')}/a-page"
            for scope in scopes
            if "*" not in scope.pattern
        ),
        (rule.pattern for group in ours.groups for rule in group.rules if plain(rule.pattern)),
    )
    asked = (path.rstrip("*") for path in wanted)
    return tuple(islice(dict.fromkeys(path for path in asked if path.startswith("/")), _MOST_PATHS))


def _refused(terms: PublishedTerms, token: str, path: str) -> bool:
    """Whether the terms refuse *path*, without a query, to just this *token*."""
    named = [stance for stance in terms.robots if token.lower() in {each.lower() for each in stance.tokens}]
    said = named or [stance for stance in terms.robots if "*" in stance.tokens]
    return "?" not in path and any(scope.covers(path) for stance in said for scope in stance.refused)
