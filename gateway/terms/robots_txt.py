"""robots.txt: RFC 9309 (September 2022), read leniently and merged with the owner's terms.

What the site's own file says and what the policy says are merged group by
group, never one before the other: first-match readers (Python's `robotparser`)
stop at the first ``*`` group and at the first rule that matches. One group per
token, longest rules first, ``Allow: /`` last and the ``*`` group last give one
answer in every reader tried. Section 2.2.1: a crawler with a group of its own
does not read ``*``, so a group that the terms add repeats the site's ``*`` rules.

What is for sale is never disallowed: a ``Disallow`` would hide the offer. Only
the scopes of `RobotsStance.refused` are, and they outweigh every ``Allow`` of
the site.

Where this departs from the specification, and why:

- spellings that Google's parser accepts (``dissallow``, ``useragent``, a missing
  colon) are read and written correctly, so that all readers agree;
- a product token loses its version (``GPTBot/1.2``), which half of the readers
  would not match, but keeps digits: real crawlers have them;
- patterns are percent-encoded where RFC 3986 needs it (section 2.2.2), and
  nothing else in them is repaired;
- preferences (``Content-Usage``, ``Content-Signal``) stand in every group, the
  site's own included, because a crawler with a group of its own reads no other;
  the stricter of the site's and the terms' is told, or the terms' alone;
- ``License`` (RSL 1.0, section 4.4) is global and stands before any group; a
  group with a ``License`` of its own hides global ones, so ours joins it there;
- an ``Allow`` with wildcards that would reopen a refused scope gives way where no
  longer ``Disallow`` can be written; then less is allowed, never more.

Pure, and raises nothing on any input. Comments of the site's file are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple
from urllib.parse import quote

from gateway.terms import content_signal, content_usage
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.preferences import PathRule, merged, rules_of
from gateway.terms.publishing import RobotsPreferences
from gateway.terms.robots_pattern import encoded, matches, may_meet, plain, surely_inside
from gateway.uses import Use

#: Octets that are read; RFC 9309, section 2.5, asks for at least as many.
MOST_OCTETS: Final = 500 * 1024

_LINE_END = re.compile(r"\r\n|\r|\n")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,63}", re.ASCII)
_VERSIONED = re.compile(r"([A-Za-z0-9_-]+)/[0-9A-Za-z.]+", re.ASCII)
_AGENT, _ALLOW, _DISALLOW, _SITEMAP = "user-agent", "allow", "disallow", "sitemap"
#: How a field name may begin, in the order it is tried.
_SPELLINGS = (
    (_AGENT, ("user-agent", "useragent", "user agent")),
    (_DISALLOW, ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw")),
    (_ALLOW, ("allow",)),
    (_SITEMAP, ("sitemap", "site-map")),
)
#: Stars appended to a refused pattern so that a longer `Allow` does not reopen it.
_MOST_STARS = 64
#: Beyond so many tokens, one that is part of another's name is not looked for.
_MOST_COMPARED = 1000

Field = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RobotsRule:
    """One ``Allow`` or ``Disallow``. *pattern* is percent-encoded and never empty."""

    allow: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class RobotsGroup:
    """Rules for some product tokens, spelled as found; *fields* are its other lines."""

    tokens: tuple[str, ...]
    rules: tuple[RobotsRule, ...]
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Robots:
    """A parsed robots.txt. *fields* are the global lines that are not sitemaps."""

    fields: tuple[Field, ...] = ()
    groups: tuple[RobotsGroup, ...] = ()
    sitemaps: tuple[str, ...] = ()

    def group_of(self, token: str) -> RobotsGroup | None:
        """All groups that name *token* as one (section 2.2.1), or None. ``*`` is a token like others."""
        key = token.lower()
        return _joined([group for group in self.groups if key in {name.lower() for name in group.tokens}])

    def allows(self, token: str, path: str) -> bool:
        """Whether a crawler that calls itself *token* may fetch *path* (with its query), by section 2.2.2."""
        if path == "/robots.txt":
            return True
        group = self.group_of(token) or self.group_of("*")
        if group is None:
            return True
        target = encoded(path)
        found = [(len(rule.pattern), rule.allow) for rule in group.rules if matches(rule.pattern, target)]
        return max(found, default=(0, True))[1]


def _joined(groups: list[RobotsGroup]) -> RobotsGroup | None:
    if not groups:
        return None
    return RobotsGroup(
        groups[0].tokens,
        tuple(dict.fromkeys(chain.from_iterable(group.rules for group in groups))),
        tuple(dict.fromkeys(chain.from_iterable(group.fields for group in groups))),
    )


def parse_robots(octets: bytes) -> Robots:
    """Read a robots.txt; a page of HTML in its place says nothing.

    Reads `MOST_OCTETS` at most, up to the last whole line.
    """
    if len(octets) > MOST_OCTETS:
        octets = octets[:MOST_OCTETS]
        octets = octets[: max(octets.rfind(b"\n"), octets.rfind(b"\r"), 0)]
    text = octets.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    if text.lstrip()[:1] == "<":
        return Robots()
    reading = _Reading()
    for line in _LINE_END.split(text):
        field = _field(line.partition("#")[0].strip())
        if field is not None:
            reading.take(*field)
    return reading.robots()


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.sitemaps: list[str] = []
        self.groups: list[tuple[list[str], list[RobotsRule], list[Field]]] = []
        self.naming = False

    def take(self, name: str, value: str) -> None:
        """Read one line. Only a rule ends a list of agents; other lines never interfere (section 2.2.4)."""
        if name == _AGENT:
            if not self.naming:
                self.groups.append(([], [], []))
                self.naming = True
            token = _token(value)
            if token:
                self.groups[-1][0].append(token)
        elif name in {_ALLOW, _DISALLOW}:
            self.naming = False
            if self.groups and value:
                self.groups[-1][1].append(RobotsRule(name == _ALLOW, encoded(value)))
        elif name == _SITEMAP:
            self.sitemaps.append(_clean(value))
        elif _FIELD.fullmatch(name):
            (self.groups[-1][2] if self.groups else self.fields).append((name, _clean(value)))

    def robots(self) -> Robots:
        """The whole file."""
        return Robots(
            tuple(dict.fromkeys(self.fields)),
            tuple(
                RobotsGroup(tuple(dict.fromkeys(tokens)), tuple(rules), tuple(fields))
                for tokens, rules, fields in self.groups
                if tokens
            ),
            tuple(dict.fromkeys(filter(None, self.sitemaps))),
        )


def _field(line: str) -> Field | None:
    name, colon, value = line.partition(":")
    words = line.split(None, 1)
    if not colon or (" " in name.strip() and _kind(name.strip()) != _AGENT):
        # "Disallow /private", with the colon forgotten or only in the value
        if len(words) == 2 and words[0].lower() in {_AGENT, _ALLOW, _DISALLOW, _SITEMAP}:
            return words[0].lower(), words[1].strip()
        if not colon:
            return None
    name = name.strip()
    return (_kind(name) or name), value.strip()


def _kind(name: str) -> str:
    lowered = name.lower()
    return next((kind for kind, spellings in _SPELLINGS if lowered.startswith(spellings)), "")


def _token(value: str) -> str:
    token = _clean(value)
    if token.partition(" ")[0] == "*":
        return "*"
    versioned = _VERSIONED.fullmatch(token)
    return versioned[1] if versioned else token


def _clean(value: str) -> str:
    """*value* as one line can hold it: what some reader takes for a line end or a comment is gone."""
    kept = "".join(char if char.isprintable() else " " for char in value.partition("#")[0])
    return " ".join(kept.split())


def merge_robots(origin: bytes | None, terms: PublishedTerms, *, site_note: str = "") -> bytes:
    """The robots.txt to serve: what the site's own file and the terms both allow.

    *origin* is the site's own file, or None where it has none. For every token
    and path the answer allows what both allow; merging the answer again changes
    nothing. *site_note* becomes a comment line. UTF-8, line feeds, no byte order mark.
    """
    theirs = parse_robots(origin or b"")
    named: dict[str, list[RobotsGroup]] = {}
    for group in theirs.groups:
        for token in group.tokens:
            named.setdefault(token.lower(), []).append(group)
    everyone = _joined(named.get("*", [])) or RobotsGroup(("*",), ())
    # Preferences outside of any group bind nobody by the drafts; whoever reads them there shall not read more.
    stray = tuple(field for field in theirs.fields if field[0].lower() in _told(terms))
    refused = _refused(terms)
    trap = (terms.honeypot,) if terms.honeypot else ()
    made: dict[tuple[RobotsGroup, tuple[str, ...]], _Block] = {}

    def block(token: str) -> _Block:
        key = (_joined(named.get(token, [])) or everyone, (*refused.get(token, refused.get("*", ())), *trap))
        if key not in made:
            made[key] = (_fields((*key[0].fields, *stray), terms), _both(key[0].rules, key[1]))
        return made[key]

    spelled = {token.lower(): token for group in theirs.groups for token in group.tokens}
    spelled.update({token.lower(): token for stance in terms.robots for token in map(_token, stance.tokens)})
    blocks = {spelled[key]: block(key) for key in spelled if key not in {"", "*"}}
    rest = block("*")
    merged = _written(theirs, blocks, rest, terms, site_note)
    if len(merged) > MOST_OCTETS:
        # Readers may stop there, before the group of everybody else.
        needed = {token: each for token, each in blocks.items() if each != rest or token.lower() in named}
        merged = _written(theirs, needed, rest, terms, site_note)
    return merged


_Block = tuple[tuple[Field, ...], tuple[RobotsRule, ...]]


def _refused(terms: PublishedTerms) -> dict[str, tuple[str, ...]]:
    """The patterns refused to each token, in lower case."""
    found: dict[str, dict[str, None]] = {}
    for stance in terms.robots:
        patterns = chain.from_iterable(scope.as_robots() for scope in stance.refused)
        # Readers that drop an empty query would read /essays? as /essays and block /essays-old.
        said = dict.fromkeys(f"{each}*" if each.endswith("?") else each for each in patterns)
        for token in map(_token, stance.tokens):
            found.setdefault(token.lower(), {}).update(said)
    return {token: tuple(patterns) for token, patterns in found.items()}


def _fields(fields: tuple[Field, ...], terms: PublishedTerms) -> tuple[Field, ...]:
    """The extension lines of one group, before its rules: the license where it is needed, then preferences."""
    combined = terms.publishing.preferences is RobotsPreferences.COMBINE
    told = _told(terms)
    kept = [field for field in fields if field[0].lower() not in told]
    if not combined:
        kept = [field for field in kept if field[0].lower() != "license"]
    elif any(name.lower() == "license" for name, _ in kept):
        kept = [("License", _clean(terms.license_url)), *kept]
    for name, channel in told.items():
        said = [channel.read_rule(value) for key, value in fields if combined and key.lower() == name]
        rules = merged(rules_of(terms, channel.labels), tuple(rule for rule in said if rule))
        kept += [(channel.spelled, channel.render_rule(rule)) for rule in rules]
    return tuple(dict.fromkeys(kept))


def _told(terms: PublishedTerms) -> Mapping[str, _Channel]:
    """The preferences that this site tells, by the field's name in lower case."""
    return {name: each for name, each in _PREFERENCES.items() if getattr(terms.publishing, each.setting)}


class _Channel(NamedTuple):
    """A format of preferences: how its lines are called, read and written, and what turns it on."""

    spelled: str
    setting: str
    labels: Mapping[str, Use]
    read_rule: Callable[[str], PathRule | None]
    render_rule: Callable[[PathRule], str]


_PREFERENCES: Final[Mapping[str, _Channel]] = {
    content_usage.FIELD: _Channel(
        "Content-Usage",
        "content_usage",
        content_usage.LABELS,
        content_usage.read_rule,
        content_usage.render_rule,
    ),
    content_signal.FIELD: _Channel(
        "Content-Signal",
        "content_signals",
        content_signal.LABELS,
        content_signal.read_rule,
        content_signal.render_rule,
    ),
}


def _both(rules: Iterable[RobotsRule], refused: tuple[str, ...]) -> tuple[RobotsRule, ...]:
    """Rules that allow what *rules* allow outside of *refused*, in the order to write them."""
    if "/" in refused:
        return (RobotsRule(allow=False, pattern="/"),)
    kept = [
        rule
        for rule in rules
        if not (rule.allow and any(surely_inside(rule.pattern, each) for each in refused))
    ]
    for pattern in refused:
        kept.append(RobotsRule(allow=False, pattern=pattern))
        for rule in [rule for rule in kept if rule.allow and _reopens(rule.pattern, pattern)]:
            closing = _closing(rule.pattern, pattern)
            kept += [RobotsRule(allow=False, pattern=each) for each in closing]
            if not closing:
                kept.remove(rule)
    allowed = {rule.pattern for rule in kept if rule.allow}
    kept = [rule for rule in kept if rule.allow or rule.pattern not in allowed]
    if not any(len(rule.pattern) == 1 for rule in kept):
        kept.append(RobotsRule(allow=True, pattern="/"))
    return tuple(sorted(set(kept), key=lambda rule: (-len(rule.pattern), rule.pattern, rule.allow)))


def _reopens(allowed: str, refused: str) -> bool:
    """Whether *allowed* may match a refused path and be the longer or an equal rule."""
    return _weight(allowed) >= len(refused) and may_meet(allowed, refused)


def _closing(allowed: str, refused: str) -> tuple[str, ...]:
    """Patterns longer than *allowed* for just what both match; empty where none can be written."""
    if plain(refused):
        stars = _weight(allowed) - len(refused) + 1
        return (refused + "*" * stars,) if stars <= _MOST_STARS else ()
    head, star, tail = refused.removesuffix("$").partition("*")
    if not star or "*" in tail + allowed or allowed.endswith("$") or not allowed.startswith(head):
        return ()
    shared = (at for at in range(1, len(tail) + 1) if allowed[len(head) :].endswith(tail[:at]))
    return (f"{allowed}*{tail}$", *(f"{allowed}{tail[at:]}$" for at in shared))


def _weight(pattern: str) -> int:
    """The most octets any reader counts in *pattern*: some encode reserved characters first."""
    return len(quote(pattern, safe="/%*$"))


def _written(
    theirs: Robots, blocks: dict[str, _Block], rest: _Block, terms: PublishedTerms, site_note: str
) -> bytes:
    lines = [
        "# Made by Licet from the owner's terms and the site's own robots.txt; change those, not this.",
        f"# Policy: {_clean(terms.digest)}",
    ]
    if _clean(site_note):
        lines.append(f"# {_clean(site_note)[:200]}")
    ours = ("License", _clean(terms.license_url))
    others = [field for field in theirs.fields if field[0].lower() not in _told(terms)]
    if terms.publishing.preferences is RobotsPreferences.POLICY:
        others = [field for field in others if field[0].lower() != "license"]
    lines += [f"{name}: {value}" for name, value in dict.fromkeys((ours, *others))]
    for tokens, block in (*_grouped(blocks), (("*",), rest)):
        fields, rules = block
        lines.append("")
        lines += [f"User-agent: {token}" for token in tokens]
        lines += [f"{name}: {value}" for name, value in fields]
        lines += [f"{'Allow' if rule.allow else 'Disallow'}: {rule.pattern}" for rule in rules]
    if theirs.sitemaps:
        lines.append("")
        lines += [f"Sitemap: {url}" for url in theirs.sitemaps]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _grouped(blocks: dict[str, _Block]) -> list[tuple[tuple[str, ...], _Block]]:
    """Tokens with the same lines together, a longer name before any that is part of it.

    First-match readers look for a group's token inside the crawler's name, so
    ``GPTBot-News`` must not meet the group of ``GPTBot`` first.
    """
    groups: list[tuple[list[str], _Block]] = []
    first: dict[_Block, int] = {}
    compare = len(blocks) <= _MOST_COMPARED
    for token, block in sorted(blocks.items(), key=lambda item: (-len(item[0]), item[0].lower())):
        at = first.get(block)
        later = (
            chain.from_iterable(names for names, _ in groups[at + 1 :]) if at is not None and compare else ()
        )
        if at is None or any(token.lower() in name.lower() for name in later):
            first[block] = len(groups)
            groups.append(([token], block))
        else:
            groups[at][0].append(token)
    return [(tuple(sorted(names, key=str.lower)), block) for names, block in groups]
