"""In which language the public pages speak: English as it stands in the code, or a catalog of gettext.

A catalog is ``static/locale/CODE/LC_MESSAGES/licet.mo``, compiled from the
``.po`` beside it, so that a checkout and a wheel read the same file and nothing
is built to run. `speak` chooses for the task that answers one request; what
pages are made of asks `tr` when it is written, not when it is imported:
constants are marked by `later` and translated where they are shown.

Terms and contracts stay in the language in which they bind; `foreign` marks them
for whoever reads aloud. What is made far below the pages and is English for
programs, such as the detail of a refusal, is a `Phrase`: `retold` says it again
in the language that is spoken.
"""

from __future__ import annotations

import gettext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Final, Self
from urllib.parse import parse_qsl, urlencode

from gateway.bundled import static

DOMAIN: Final = "licet"


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its *code* (BCP 47), its own *name*, and the *direction* it is written in: ``ltr`` or ``rtl``."""

    code: str
    name: str
    direction: str = "ltr"


ENGLISH: Final = Language("en", "English")
#: Every language that is shipped, by code; English is the one that the code is written in.
LANGUAGES: Final[dict[str, Language]] = {"en": ENGLISH, "de": Language("de", "Deutsch")}
_spoken: ContextVar[Language] = ContextVar("spoken", default=ENGLISH)
_query: ContextVar[str] = ContextVar("query", default="")
#: Ranges of one Accept-Language that are looked at.
_MOST: Final = 32
#: The longest query that links to the other languages repeat.
_LONGEST: Final = 2_000


@cache
def catalog(code: str) -> gettext.NullTranslations:
    """What is said in the language of that code; English where there is no catalog."""
    return gettext.translation(DOMAIN, static("locale"), [code], fallback=True)


def speak(code: str, query: str = "") -> Language:
    """Let the pages that this task writes from now on be in the language of that code, English for an unknown one.

    *query* is that of the address that was asked for: where it names a language, links to other
    public pages name it too (`chosen`), since no cookie remembers it.
    """
    language = LANGUAGES.get(code, ENGLISH)
    _spoken.set(language)
    _query.set(query)
    return language


def chosen() -> str:
    """The code of the language that the address names, "" where it names none that there is."""
    found = dict(parse_qsl(_query.get())).get("lang", "") if "lang=" in _query.get() else ""
    return found if found in LANGUAGES else ""


def here_in(code: str) -> str:
    """The query that asks for this address in the language of that code, and for nothing else otherwise."""
    query = _query.get()
    rest = [] if len(query) > _LONGEST else [pair for pair in parse_qsl(query) if pair[0] != "lang"]
    return urlencode([*rest, ("lang", code)])


def spoken() -> Language:
    """The language that pages are written in."""
    return _spoken.get()


def tr(text: str) -> str:
    """*text* in the language that is spoken; blanks such as ``{name}`` are left for the caller to fill."""
    language = _spoken.get()
    return text if language is ENGLISH or not text else catalog(language.code).gettext(text)


def trn(one: str, many: str, count: int) -> str:
    """What is said of *count* things, by the plural rules of the language."""
    language = _spoken.get()
    if language is ENGLISH:
        return one if count == 1 else many
    return catalog(language.code).ngettext(one, many, count)


def later(text: str) -> str:
    """*text* as it is: a constant that `tr` translates where it is shown."""
    return text


class Phrase(str):
    """English text made of a sentence and what fills its blanks, which may be phrases too; to everybody else a `str`.

    >>> Phrase("The credit left is {money}.", money="2 USD")
    'The credit left is 2 USD.'
    """

    __slots__ = ("blanks", "sentence")
    blanks: dict[str, object]
    sentence: str

    def __new__(cls, sentence: str, **blanks: object) -> Self:
        """Fill the blanks, such as ``{name}``, of *sentence*, which the catalogs hold as it stands here."""
        made = super().__new__(cls, cls.filled(sentence, blanks))
        made.sentence, made.blanks = sentence, blanks
        return made

    @classmethod
    def filled(cls, sentence: str, blanks: dict[str, object]) -> str:
        """*sentence* with *blanks* in it."""
        return sentence.format(**blanks) if blanks else sentence

    def retold(self) -> str:
        """The same in the language that is spoken."""
        blanks = {
            name: value.retold() if isinstance(value, Phrase) else value
            for name, value in self.blanks.items()
        }
        return self.filled(tr(self.sentence), blanks)


class _Alone(Phrase):
    """A clause that stands alone, as a sentence."""

    __slots__ = ()

    @classmethod
    def filled(cls, sentence: str, blanks: dict[str, object]) -> str:
        said = super().filled(sentence, blanks)
        return f"{said[:1].upper()}{said[1:]}."


def standing_alone(clause: str) -> str:
    """*clause* as a sentence: with a capital and a full stop, and still a phrase where it was one.

    >>> standing_alone(Phrase("the path is free for everyone"))
    'The path is free for everyone.'
    """
    if isinstance(clause, Phrase):
        return _Alone(clause.sentence, **clause.blanks)
    return _Alone.filled(clause, {})


def retold(text: str) -> str | None:
    """*text* in the language that is spoken, or None where it is known in English alone."""
    if _spoken.get() is ENGLISH:
        return text
    return text.retold() if isinstance(text, Phrase) else None


def foreign() -> str:
    """The attributes of an element whose text is English whatever the page's language is; "" on an English page."""
    return "" if _spoken.get() is ENGLISH else ' lang="en" dir="ltr"'


def wanted(accepted: str, chosen: str = "") -> str:
    """The code of the best language for an ``Accept-Language`` (RFC 9110, section 12.5.4), or the one *chosen*.

    The range of the greatest weight decides, its first part where it has several; English where nothing fits.
    """
    if chosen in LANGUAGES:
        return chosen
    best, weight = ENGLISH.code, 0.0
    for part in accepted.split(",")[:_MOST]:
        name, _, parameter = part.strip().lower().partition(";")
        code = name.strip().partition("-")[0]
        found = _weight(parameter.strip())
        if code in LANGUAGES and found > weight:
            best, weight = code, found
    return best


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    whole, _, rest = parameter.removeprefix("q=").partition(".")
    if not parameter.startswith("q=") or whole not in {"0", "1"} or len(rest) > 3:
        return 0.0
    return float(f"{whole}.{rest or '0'}") if (rest + "0").isascii() and (rest + "0").isdigit() else 0.0
