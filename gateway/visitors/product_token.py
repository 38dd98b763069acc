"""Product tokens: which names a User-Agent says, and whether it looks automated.

RFC 9309 (section 2.2.1, September 2022) lets a crawler name itself by a
product token that is a substring of its User-Agent; RFC 9110 (section 10.1.5)
gives the header's grammar, which few clients keep. So a name is found anywhere,
but only as a whole word, never inside an address, and never after "like":

    ======================================== ==============================
    ``Mozilla/5.0 (compatible; GPTBot/1.2)``  says GPTBot
    ``CUBOT_X19``                             does not say bot
    ``Reader (+https://gptbot.example)``      does not say GPTBot
    ``TelegramBot (like TwitterBot)``         says TelegramBot only
    ``Amazonbot-Video/0.1``                   says Amazonbot
    ======================================== ==============================

The text is capped at `LONGEST` characters and lower-cased first. Literals are
looked for by an Aho-Corasick automaton and patterns have no nested repetition,
so the work grows with the text's length and with nothing else. No function here
raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

#: A longer User-Agent is cut for matching; real ones stay below 700 characters.
LONGEST = 1024


class Words:
    """Literals that count wherever they stand, each with a number."""

    def __init__(self, words: Iterable[tuple[str, int]]) -> None:
        """Compile *words*, each with its number."""
        pairs = sorted({(word.lower(), number) for word, number in words if word})
        self._numbers = [number for _, number in pairs]
        self._automaton = AhoCorasick([word for word, _ in pairs])

    def numbers(self, text: str) -> set[int]:
        """The numbers of all words that stand in lower-case *text*."""
        numbers = self._numbers
        return {numbers[hit[0]] for hit in self._automaton.find_matches_as_indexes(text, overlapping=True)}


_ADDRESS = re.compile(
    r"[a-z]{2,8}://[^\s;,()<>\"']*"  # an URL
    r"|\bwww\.[^\s;,()<>\"']*"
    r"|(?<=\+)[a-z0-9-]+\.[^\s;,()<>\"']*"  # "+host.example/bot"
)
#: A browser's engine.
_ENGINE = (
    *(
        "applewebkit",
        "gecko/",
        "trident/",
        "presto/",
        "khtml",
        "msie ",
        "mspie ",
        "edgehtml",
        "netfront",
        "chrome/",
    ),
    *("firefox/", "opera/", "opera ", "blink", "servo/", "goanna/"),
)
#: The device of a person whose app this is.
_DEVICE = (
    *(
        "android",
        "iphone",
        "ipad",
        "ios/",
        "ios ",
        "ios;",
        "watchos",
        "appletv",
        "cfnetwork/",
        "darwin/",
        "dalvik/",
    ),
    *("electron/", "smarttv", "smart-tv", "hbbtv"),
)
#: People's programs and old devices that name no engine: text browsers, telephones, consoles, players.
_PERSONAL = (
    *(
        "mozilla/",
        "opera",
        "lynx",
        "links ",
        "links/",
        "w3m",
        "netsurf",
        "dillo",
        "voyager",
        "ibrowse",
        "aweb",
    ),
    *("mosaic", "browser/", "browser-", "jig browser", "maemo browser", "brave browser", "wap browser"),
    *(
        "onebrowser",
        "midp",
        "j2me",
        "ucweb",
        "nokia",
        "samsung",
        "motorola",
        "mot-",
        "blackberry",
        "sonyericsson",
    ),
    *(
        "playstation",
        "nintendo",
        "xbox",
        "windows phone",
        "windows nt",
        "win64",
        "microsoft office",
        "mac os",
    ),
    *(
        "macos",
        "macintosh",
        "osx/",
        "watch os",
        "ipod",
        "sonos",
        "upnp",
        "whatsapp",
        "quicktime",
        "libvlc",
        "vlc/",
    ),
    *("itunes", "kodi", "xbmc", "fban/"),
)
_HEADLESS = (
    *("headlesschrome", "phantomjs", "slimerjs", "puppeteer", "playwright", "selenium", "webdriver"),
    "electron-headless",
)
_BOT = ("bot", "spider", "crawl", "scrap", "fetch", "harvest")
_IS_ENGINE, _IS_DEVICE, _IS_PERSONAL, _IS_HEADLESS, _IS_BOT, _IS_COMPATIBLE, _IS_USER = range(7)
_MARKS = Words(
    (word, number)
    for number, words in enumerate(
        (_ENGINE, _DEVICE, _PERSONAL, _HEADLESS, _BOT, ("compatible",), ("-user",))
    )
    for word in words
)
#: Without one of these, and an address, a browser's User-Agent shows nothing that is looked for here.
_SUSPECT = AhoCorasick([*_HEADLESS, *_BOT, "compatible", "-user"])
_OLD_BROWSERS = frozenset(
    [
        "abrowse",
        "amiga-aweb",
        "antgalio",
        "avant",
        "elinks",
        "galeon",
        "ibrowse",
        "icab",
        "intel",
        "konqueror",
        "lotus-notes",
        "ms-office",
        "msie",
        "mspie",
        "netfront",
        "netpositive",
        "omniweb",
        "opera",
        "u",
        "w3m",
        "windows",
    ]
)
_BOT_WORD = re.compile(
    r"(?:bots?|spider|crawl(?:er|ing)?|scrap(?:er|ing|y)|fetch(?:er)?|harvest(?:er)?|robot)"
    r"(?=$|[^a-z@])"
)
#: A name behind a browser's last product, where no browser puts one, and "NAME-User": somebody's assistant.
_APPENDED = re.compile(r"safari/[0-9.]+; [a-z][a-z_-]*$")
_USER = re.compile(r"[a-z0-9]-user(?=$|[/ ;,)])")
#: Netscape's rivals called themselves compatible in these versions; today only automata do.
_NETSCAPE = re.compile(r"mozilla/[1-4]")
_COMPATIBLE = re.compile(r"compatible[;,)]\s{0,4}([a-z][a-z0-9.!_-]*)?")
_LIBRARY = re.compile(
    r"(?:python|aiohttp|httpx|curl|libcurl|pycurl|wget|go-http-client|go |scrapy|okhttp|java|jakarta|apache-httpclient"
    r"|libwww-perl|lwp|perl|php|guzzlehttp|ruby|http\.rb|httparty|faraday|rest-client|typhoeus|axios|node|node-fetch"
    r"|undici|got|superagent|needle|deno|bun|reqwest|ureq|hyper|isahc|rust|dart|httpie|postmanruntime|insomnia|colly"
    r"|mechanize|jsoup|htmlunit|httpclient|http_request2?|winhttp|indy|unirest|resty|req|fasthttp|akka-http|ktor-client"
    r"|urlgrabber|aria2|axel|lftp|snoopy|zend_http_client|zend|symfony|buildkit|docker|powershell|restsharp|asynchttpclient"
    r"|finch|hackney|erlang|elixir|swift|libsoup|haskell|http-kit|clj-http|nutch|apache-nutch)"
    r"(?:[-_ ]?(?:requests|urllib3?|client|fetch|simple|httplib2|httpclient|async))?(?=$|[/ (;:,-])"
)


def readable(user_agent: str) -> str:
    """Return *user_agent* as it is matched: capped, lower case, without addresses.

    >>> readable("Reader/1.0 (+https://gptbot.example/about; Linux)")
    'reader/1.0 (+ ; linux)'
    """
    return without_addresses(user_agent[:LONGEST].lower())


def without_addresses(raw: str) -> str:
    """Return *raw*, which is lower case, with a space for every address."""
    return _ADDRESS.sub(" ", raw) if "://" in raw or "www." in raw or "+" in raw else raw


def product_token(text: str) -> str:
    """Return the RFC 9309 product token that *text* begins with, or "".

    >>> product_token("Googlebot/2.1 (+http://www.google.com/bot.html)")
    'Googlebot'
    """
    found = re.match(r"[A-Za-z_-]*", text)
    return found.group() if found else ""


class Found(NamedTuple):
    """One token that stands in a User-Agent: its lower-case text and where it starts."""

    token: str
    start: int


class Tokens:
    """A fixed set of literal tokens, all of them looked for at once.

    Tokens are compared in lower case. A match is the longest token at its
    place that begins and ends on a word's boundary, and matches do not overlap.
    A star in front of a token or behind it stands for the rest of the word.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        """Compile *tokens*; empty ones are ignored."""
        self._tokens = sorted({token.lower() for token in tokens if token})
        self._within = [token.startswith("*") for token in self._tokens]
        self._begun = [token.endswith("*") for token in self._tokens]
        self._automaton = AhoCorasick([token.strip("*") for token in self._tokens])

    def find(self, text: str) -> Sequence[Found]:
        """Every token in *text*, which `readable` has prepared, from left to right."""
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return self._whole(text, hits) if hits else ()

    def _whole(self, text: str, hits: list[tuple[int, int, int]]) -> list[Found]:
        # Hostile text has hundreds of hits, nearly all of them inside words.
        within, begun, found, behind = self._within, self._begun, [], 0
        hits = [hit for hit in hits if within[hit[0]] or not hit[1] or text[hit[1] - 1] not in _GLUE_BEFORE]
        hits.sort(key=_leftmost_longest)
        for which, start, end in hits[:_TRIED]:
            if start >= behind and _begins(text, start) and (begun[which] or _ends(text, end)):
                behind = end
                found.append(Found(self._tokens[which], start))
        return found


#: Names that are looked at in one text; nobody has so many.
_TRIED = 96


def _leftmost_longest(hit: tuple[int, int, int]) -> tuple[int, int]:
    return hit[1], -hit[2]


#: What a token's neighbors may not be: it would stand inside a word, a path, a host or a mailbox.
_GLUE_BEFORE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_./@-")
_GLUE_BEHIND = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_@")


def _begins(text: str, start: int) -> bool:
    """Whether what begins at *start* names the speaker: "like X" names another."""
    return not text.startswith("like ", start - 5) or start < 5


def _ends(text: str, end: int) -> bool:
    """Whether a name may end before *end*: not inside a word or a host."""
    behind = text[end : end + 2]
    return not behind or not (
        behind[0] in _GLUE_BEHIND or (behind[0] == "." and behind[1:].isascii() and behind[1:].isalpha())
    )


class Signs(NamedTuple):
    """What a User-Agent shows apart from names.

    *automated* holds the reason codes of an undeclared or unknown automaton
    (``no_user_agent``, ``headless_declared``, ``ua_library``, ``ua_bot_word``,
    ``ua_user_token``, ``ua_appended_name``, ``ua_contact_in_comment``,
    ``ua_compatible_token``, ``ua_no_engine``), strongest first, and is empty for
    browsers and for apps on a person's device. *named* says whether it also says
    what it is, be it only a library's name, so that it hides nothing. *browser*
    says whether it has a browser's engine or names a person's device.
    *oversized* says that it was cut.
    """

    automated: tuple[str, ...]
    browser: bool
    oversized: bool = False
    named: bool = False


_BROWSER = Signs((), browser=True)


def signs(user_agent: str) -> Signs:
    """Read the structure of *user_agent*; it raises nothing on any text.

    >>> signs("curl/8.5.0").automated, signs("Mozilla/5.0 (X11) Gecko/20100101 Firefox/140.0").automated
    (('ua_library',), ())
    """
    raw = user_agent[:LONGEST].lower().strip()
    return signs_of(raw, without_addresses(raw), oversized=len(user_agent) > LONGEST)


def signs_of(raw: str, text: str, *, oversized: bool) -> Signs:
    """Read the signs in *raw*, capped, stripped and lower case, and *text*, the same without addresses."""
    address = "://" in raw or "+www." in raw or _has_mailbox(raw)
    webkit = "applewebkit" in text
    appended = webkit and raw[-1:].isalpha() and _APPENDED.search(text) is not None
    if webkit and not (address or appended or oversized or _SUSPECT.find_matches_as_indexes(text)):
        return _BROWSER
    if not raw or raw == "-":
        return Signs(("no_user_agent",), browser=False)
    marks = _MARKS.numbers(text)
    engine = _IS_ENGINE in marks
    app = not engine and _IS_DEVICE in marks
    contact = address and not app
    compatible = _IS_COMPATIBLE in marks and not app and _compatible(text)
    headless = _IS_HEADLESS in marks
    reasons: list[str] = []
    if headless:
        reasons.append("headless_declared")
    if not engine and _LIBRARY.match(text):
        reasons.append("ua_library")
    if _IS_BOT in marks and _says_bot(text, browser=engine or app, declared=contact or compatible):
        reasons.append("ua_bot_word")
    if _IS_USER in marks and _USER.search(text):
        reasons.append("ua_user_token")
    if appended:
        reasons.append("ua_appended_name")
    if contact and (not engine or compatible or "://" in raw or reasons):
        reasons.append("ua_contact_in_comment")
    if compatible:
        reasons.append("ua_compatible_token")
    if not (reasons or engine or app or _IS_PERSONAL in marks):
        reasons.append("ua_no_engine")
    named = bool(reasons) and not (headless and len(reasons) == 1 and text.startswith(_UNNAMED))
    return Signs(tuple(reasons), engine or app, oversized, named)


#: How a headless browser begins that says nothing else of itself.
_UNNAMED = ("mozilla/", *_HEADLESS)


_NAME_ENDS = frozenset(("", "/", ")", ";"))


def _says_bot(text: str, *, browser: bool, declared: bool) -> bool:
    """Whether a word such as bot or spider names the client and not, say, a Cubot phone."""
    for found in _BOT_WORD.finditer(text):
        # Inside a browser's User-Agent only a version or the end of a comment's part makes it a name:
        # "CUBOT X19" is a phone, and an Electron app stands on a person's desk whatever it is called.
        versioned = text[found.end() : found.end() + 1] in _NAME_ENDS and "electron/" not in text
        if not browser or declared or versioned:
            return True
    return False


def _compatible(text: str) -> bool:
    """Whether something that is no old browser stands behind ``compatible;``."""
    if _NETSCAPE.match(text):
        return False
    words = (found.group(1) or "" for found in _COMPATIBLE.finditer(text))
    return any(word and word.split(".", 1)[0] not in _OLD_BROWSERS for word in words)


def _has_mailbox(raw: str) -> bool:
    at = raw.find("@")
    return 0 < at < len(raw) - 3 and raw[at - 1].isalnum() and "." in raw[at + 1 : at + 64]
