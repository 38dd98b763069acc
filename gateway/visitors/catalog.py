"""The crawlers we know by name: who runs them, what for, how a claim is checked.

Read from ``policies/crawlers/*.toml``, one file per operator or group. Each
``[[crawler]]`` has its tokens, purposes, uses, class, the recipe by which the
claim can be checked, and where and when we looked. Each ``[[kind]]`` describes
automata without a name of their own here (feed readers, monitors, previews) by
words, so that an unknown one still passes; it comes after every name.

A robots.txt token such as Google-Extended is never sent in a request. Whoever
sends it is taken at the worst of its word: an AI crawler, and no entry of ours.

pydantic checks the files when they are read; after that everything is frozen
and a lookup is one dict access.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway import bundled
from gateway.problems import ConfigurationError, Mistake
from gateway.uses import Use
from gateway.visitors.kinds import Kind, Kinds
from gateway.visitors.product_token import LONGEST, Tokens, signs_of, without_addresses
from gateway.visitors.signature_agent import SignatureAgent, read_agent
from gateway.visitors.visitor import Crawler, VisitorClass

#: Distinct User-Agents remembered. Few are common, and a stranger can send any number.
_REMEMBERED = 8192

Purpose = Literal[
    "training",
    "ai-search",
    "user-action",
    "agent",
    "data-seller",
    "search",
    "preview",
    "archive",
    "monitoring",
    "feed",
    "accessibility",
    "ads",
]
Robots = Literal["obeys", "may-ignore", "unknown", "none"]

#: When one User-Agent says several names, the dearest claim counts: saying more never buys more.
_RANK = {
    VisitorClass.AI: 0,
    VisitorClass.AUTOMATION: 1,
    VisitorClass.SEARCH_ENGINE: 2,
    VisitorClass.SERVICE: 3,
    VisitorClass.UNPROVEN: 4,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a claim can be checked; every part may be empty.

    Attributes:
        networks: names of published address lists (`visitors.networks`).
        dns: suffixes of forward-confirmed reverse DNS, each with its leading dot.
        signature: URL of a Web Bot Auth key directory, or "".
        asn: autonomous systems; a weight, never a proof alone.
    """

    networks: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    signature: str = ""
    asn: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """Whether the operator publishes any way to check the claim."""
        return bool(self.networks or self.dns or self.signature or self.asn)


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One crawler of the catalog and everything known about it.

    Attributes:
        crawler: what a `Visitor` carries.
        tokens: product tokens, the display name's first; none where it is known
            by its signature alone, such as an agent that sends a browser's User-Agent.
        recipe: how its claim is checked.
        robots: whether the operator says that robots.txt is obeyed.
        source: the page we rely on, and *checked* the day we looked (ISO 8601);
            both "" where the entry is general knowledge that nobody looked up.
        note: what that page says of robots.txt beside *robots*, as of that day, or "".
        robots_only: its token is for robots.txt and never in a request.
        anchored: its token counts only as the very first product.
        not_tokens: texts that rule it out, lower case.
    """

    crawler: Crawler
    tokens: tuple[str, ...]
    recipe: Recipe = Recipe()
    robots: str = "unknown"
    source: str = ""
    checked: str = ""
    robots_only: bool = False
    anchored: bool = False
    not_tokens: tuple[str, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        """The crawler's display name."""
        return self.crawler.name


@dataclass(frozen=True, slots=True)
class Reading:
    """What one User-Agent says: the claimed entry or None, the class, and why.

    *crawler* is the entry's, a kind of service's, or None. *reasons* are stable
    codes. *declared* says that it tells what it is, by a name known here or by
    any other; an automaton that does not hides (a bare headless browser, no
    User-Agent at all). *kind* is what an unknown name was taken for: a guess for
    people to read, no claim to be held to.
    """

    visitor_class: VisitorClass
    entry: CatalogEntry | None = None
    crawler: Crawler | None = None
    reasons: tuple[str, ...] = ()
    declared: bool = False
    kind: Crawler | None = None


_BROWSER = Reading(VisitorClass.UNPROVEN)
_OVERSIZED = Reading(VisitorClass.UNPROVEN, reasons=("ua_oversized",))


class Catalog:
    """Every known crawler, and the one question "whose User-Agent is this?"."""

    def __init__(self, entries: Iterable[CatalogEntry], kinds: Iterable[Kind] = ()) -> None:
        """Index *entries*; of two with one name or token the first wins."""
        self.crawlers: tuple[CatalogEntry, ...] = tuple(entries)
        self.kinds: tuple[Kind, ...] = tuple(kinds)
        self._by_name: dict[str, CatalogEntry] = {}
        self._by_token: dict[str, CatalogEntry] = {}
        self._by_agent: dict[str, CatalogEntry] = {}
        for entry in self.crawlers:
            self._by_name.setdefault(entry.name.lower(), entry)
            agent = read_agent(entry.recipe.signature)
            if isinstance(agent, SignatureAgent):
                self._by_agent.setdefault(agent.url, entry)
            for token in entry.tokens:
                self._by_token.setdefault(token.lower(), entry)
        self._tokens = Tokens(self._by_token)
        self._kinds = Kinds(self.kinds)
        self._remembered: dict[str, Reading] = {}
        self._made: dict[tuple[object, ...], Reading] = {}

    @classmethod
    def read(cls, folder: Path) -> Catalog:
        """Read every ``*.toml`` of *folder* in the order of names.

        Raises:
            ConfigurationError: with every mistake of every file; also where
                two crawlers share a name or a token.
        """
        return _read_folder(folder)

    @classmethod
    @cache
    def shipped(cls) -> Catalog:
        """The catalog that comes with this installation; read once, and the same for everybody who asks."""
        return cls.read(bundled.policies("crawlers"))

    def by_name(self, name: str) -> CatalogEntry | None:
        """The entry of that display name or product token, in any case of letters, or None."""
        key = name.lower()
        return self._by_name.get(key) or self._by_token.get(key)

    def crawler(self, name: str) -> Crawler | None:
        """The crawler of that display name or product token, or None."""
        entry = self.by_name(name)
        return entry.crawler if entry else None

    def by_signature(self, agent_url: str) -> CatalogEntry | None:
        """The entry whose key directory is that of signature agent *agent_url* in any spelling, or None.

        An agent that several entries share is the first one's.
        """
        agent = read_agent(agent_url)
        return self._by_agent.get(agent.url) if isinstance(agent, SignatureAgent) else None

    def match(self, user_agent: str) -> CatalogEntry | None:
        """The crawler that *user_agent* claims to be, or None.

        Longest token first; of several names the one that costs most counts
        (AI before search engine before service). Remembered, within a bound.
        """
        return self.reading(user_agent).entry

    def claimed(self, user_agent: str) -> Crawler | None:
        """The crawler of `match`, or None."""
        entry = self.match(user_agent)
        return entry.crawler if entry else None

    def reading(self, user_agent: str) -> Reading:
        """Everything *user_agent* says by itself; remembered, within a bound. No raise."""
        found = self._remembered.get(user_agent)
        return found if found is not None else self._new(user_agent)

    def _new(self, user_agent: str) -> Reading:
        cut = user_agent if len(user_agent) <= LONGEST else user_agent[: LONGEST + 1]
        found = self._remembered.get(cut)
        if found is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            found = self._remembered[cut] = self.uncached(cut)
        return found

    def uncached(self, user_agent: str) -> Reading:
        """What `reading` says, worked out anew."""
        raw = user_agent[:LONGEST].lower().strip()
        text = without_addresses(raw)
        cut = ("ua_oversized",) if len(user_agent) > LONGEST else ()
        best: CatalogEntry | None = None
        unsendable: CatalogEntry | None = None
        for found in self._tokens.find(text):
            entry = self._by_token[found.token]
            if entry.robots_only:
                unsendable = unsendable or entry
            elif self._holds(entry, text, found.start, len(found.token)) and (
                best is None or _before(entry, best)
            ):
                best = entry
        if best is not None:
            return self._made.get((best.crawler.name, cut)) or self._make(best, cut)
        if unsendable is not None:
            return self._made.get((unsendable.crawler.name, cut)) or self._make(unsendable, cut)
        structure = signs_of(raw, text, oversized=bool(cut))
        if structure.browser and not structure.automated:
            return _OVERSIZED if cut else _BROWSER
        kind = self._kinds.of(raw, text, structure, user_agent[:LONGEST])
        key = (kind.name if kind else "", structure.automated, cut)
        return self._made.get(key) or self._make_nameless(kind, structure.automated, cut)

    def _make(self, entry: CatalogEntry, cut: tuple[str, ...]) -> Reading:
        code = "ua_robots_token" if entry.robots_only else "ua_claim"
        reasons = (f"{code}:{entry.name}", *cut)
        sent = None if entry.robots_only else entry
        made = Reading(entry.crawler.visitor_class, sent, entry.crawler, reasons, declared=True)
        self._made[entry.name, cut] = made
        return made

    def _make_nameless(self, kind: Crawler | None, shown: tuple[str, ...], cut: tuple[str, ...]) -> Reading:
        if kind is not None:
            crawler = kind if kind.visitor_class is VisitorClass.SERVICE else None
            reasons = (f"ua_kind:{kind.name}", *shown, *cut)
            made = Reading(kind.visitor_class, None, crawler, reasons, declared=True, kind=kind)
        elif shown:
            made = Reading(VisitorClass.AUTOMATION, reasons=(*shown, *cut))
        else:
            made = Reading(VisitorClass.UNPROVEN, reasons=("ua_no_engine", *cut))
        self._made[kind.name if kind else "", shown, cut] = made
        return made

    @staticmethod
    def _holds(entry: CatalogEntry, text: str, start: int, length: int) -> bool:
        if entry.anchored and (start != 0 or text[length : length + 1] not in {"", "/"}):
            return False
        return not any(token in text for token in entry.not_tokens)


def _before(entry: CatalogEntry, other: CatalogEntry) -> bool:
    return _RANK[entry.crawler.visitor_class] < _RANK[other.crawler.visitor_class]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Verify(_Strict):
    networks: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    signature: str = ""
    asn: tuple[int, ...] = ()

    @field_validator("dns")
    @classmethod
    def _dotted(cls, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        # Without the dot, evilgooglebot.com would end in googlebot.com.
        if not all(suffix.startswith(".") and suffix.count(".") > 1 for suffix in suffixes):
            raise ValueError(
                "a suffix starts with a dot and names a registered domain, such as .googlebot.com"
            )
        return suffixes

    @field_validator("signature")
    @classmethod
    def _https(cls, url: str) -> str:
        if url and not url.startswith("https://"):
            raise ValueError("a key directory is an https URL")
        return url


class _Named(_Strict):
    name: str = Field(min_length=1, max_length=80)
    operator: str = ""
    purposes: tuple[Purpose, ...] = ()
    uses: tuple[Use, ...] = ()
    visitor_class: VisitorClass = Field(alias="class")

    @field_validator("visitor_class")
    @classmethod
    def _some(cls, value: VisitorClass) -> VisitorClass:
        if value is VisitorClass.UNPROVEN:
            raise ValueError("a crawler is ai, search-engine, service or automation")
        return value

    def crawler(self, *, verifiable: bool) -> Crawler:
        return Crawler(
            self.name, self.operator, self.purposes, frozenset(self.uses), self.visitor_class, verifiable
        )


class _CrawlerRow(_Named):
    operator: str = Field(min_length=1)
    tokens: tuple[str, ...] = ()
    not_tokens: tuple[str, ...] = ()
    anchored: bool = False
    robots_only: bool = False
    verify: _Verify = _Verify()
    robots: Robots
    source: str = Field(default="", pattern=r"^(https?://.*)?$")
    checked: date | None = None
    note: str = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        if bool(self.source) is not bool(self.checked):
            raise ValueError("source and checked stand together, or neither: no page, nothing was checked")
        if self.note and not self.checked:
            raise ValueError("a note is as old as checked says; give source and checked with it")
        if not (self.tokens or self.verify.signature):
            raise ValueError("a crawler is known by a token, or by the key directory of its signature")
        return self

    @field_validator("tokens")
    @classmethod
    def _whole(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(token.strip()) < 3 or token != token.strip() for token in tokens):
            raise ValueError("a token has at least three characters and no space around it")
        return tokens

    def entry(self) -> CatalogEntry:
        recipe = Recipe(self.verify.networks, self.verify.dns, self.verify.signature, self.verify.asn)
        return CatalogEntry(
            crawler=self.crawler(verifiable=bool(recipe)),
            tokens=self.tokens,
            recipe=recipe,
            robots=self.robots,
            source=self.source,
            checked=self.checked.isoformat() if self.checked else "",
            robots_only=self.robots_only,
            anchored=self.anchored,
            not_tokens=tuple(token.lower() for token in self.not_tokens),
            note=self.note,
        )


class _KindRow(_Named):
    words: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    signs: frozenset[str] = frozenset()

    def kind(self) -> Kind:
        return Kind(
            self.crawler(verifiable=False),
            tuple(word.lower() for word in self.words),
            self.tokens,
            self.signs,
        )


class _File(_Strict):
    crawler: tuple[_CrawlerRow, ...] = ()
    kind: tuple[_KindRow, ...] = ()


def _read_folder(folder: Path) -> Catalog:
    mistakes: list[Mistake] = []
    entries: list[CatalogEntry] = []
    kinds: list[Kind] = []
    names: dict[str, str] = {}
    tokens: dict[str, str] = {}
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        _refuse(Mistake(str(folder), "", "a folder with files such as openai.toml is needed here"))
    for path in paths:
        read = _read_file(path, mistakes)
        kinds.extend(row.kind() for row in read.kind)
        for index, row in enumerate(read.crawler):
            at = f"crawler[{index}]"
            if by := names.get(row.name.lower()):
                mistakes.append(Mistake(path.name, f"{at}.name", f"a name that {by} does not use", row.name))
            names.setdefault(row.name.lower(), path.name)
            for token in row.tokens:
                if owner := tokens.get(token.lower()):
                    mistakes.append(
                        Mistake(path.name, f"{at}.tokens", f"a token that {owner} does not use", token)
                    )
                tokens.setdefault(token.lower(), row.name)
            entries.append(row.entry())
    if mistakes:
        raise ConfigurationError(mistakes)
    return Catalog(entries, kinds)


def _read_file(path: Path, mistakes: list[Mistake]) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        mistakes.append(Mistake(path.name, "", f"a TOML file in UTF-8 ({error})"))
    except ValidationError as error:
        mistakes.extend(
            Mistake(path.name, _key(found["loc"]), found["msg"], _shown(found["input"]))
            for found in error.errors(include_url=False)
        )
    return _File()


def _key(place: tuple[int | str, ...]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _shown(value: object) -> str:
    return "" if isinstance(value, dict | list) else str(value)[:60]


def _refuse(mistake: Mistake) -> NoReturn:
    raise ConfigurationError((mistake,))
