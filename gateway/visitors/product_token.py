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

The text is capped at `LONGEST` characters and lower-cased first. Patterns are
compiled from a trie of literals or have no nested repetition, so the work
grows with the text's length and with nothing else. No function here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: A longer User-Agent is cut for matching; real ones stay below 700 characters.
LONGEST = 1024

_ADDRESS = re.compile(
    r"[a-z]{2,8}://[^\s;,()<>\"']*"  # an URL
    r"|\bwww\.[^\s;,()<>\"']*"
    r"|(?<=\+)[a-z0-9-]+\.[^\s;,()<>\"']*"  # "+host.example/bot"
)
#: A browser's engine, and the device of a person whose app this is.
_ENGINE = re.compile(
    r"applewebkit|gecko/|trident/|presto/|khtml|msie |mspie |edgehtml|netfront|chrome/|firefox/|opera[ /]"
    r"|blink|servo/|goanna/"
)
_DEVICE = re.compile(
    r"android|iphone|ipad|ios[/ ;]|watchos|appletv|cfnetwork/|darwin/|dalvik/|electron/|smarttv|smart-tv|hbbtv"
)
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
#: Netscape's rivals called themselves compatible in these versions; today only automata do.
_NETSCAPE = re.compile(r"mozilla/[1-4]")
_COMPATIBLE = re.compile(r"compatible[;,)]\s{0,4}([a-z][a-z0-9.!_-]*)?")
_HEADLESS = re.compile(
    r"headlesschrome|phantomjs|slimerjs|puppeteer|playwright|selenium|webdriver|electron-headless"
)
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
    return _ADDRESS.sub(" ", user_agent[:LONGEST].lower())


def product_token(text: str) -> str:
    """Return the RFC 9309 product token that *text* begins with, or "".

    >>> product_token("Googlebot/2.1 (+http://www.google.com/bot.html)")
    'Googlebot'
    """
    found = re.match(r"[A-Za-z_-]*", text)
    return found.group() if found else ""


@dataclass(frozen=True, slots=True)
class Found:
    """One token that stands in a User-Agent: its lower-case text and where it starts."""

    token: str
    start: int


class Tokens:
    """A fixed set of literal tokens, all of them looked for at once.

    Tokens are compared in lower case. A match is the longest token at its
    place that ends on a word's boundary, and matches do not overlap.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        """Compile *tokens*; empty ones are ignored."""
        trie: dict[str, dict[str, object]] = {}
        for token in sorted({token.lower() for token in tokens if token}):
            _plant(trie, token)
        body = _spell(trie) if trie else "(?!)"
        # Not inside a word, a path, a host or a mailbox; not "like X", which names another.
        self._pattern = re.compile(rf"(?<![a-z0-9_./@-])(?<!like )(?:{body})(?![a-z0-9_@]|\.[a-z])")

    def find(self, text: str) -> Iterator[Found]:
        """Yield every token in *text*, which `readable` has prepared, from left to right."""
        for found in self._pattern.finditer(text):
            yield Found(found.group(), found.start())


_END = ""


def _plant(trie: dict[str, dict[str, object]], token: str) -> None:
    node: dict[str, dict[str, object]] = trie
    for char in token:
        node = node.setdefault(char, {})  # type: ignore[assignment]
    node[_END] = {}


def _spell(node: dict[str, dict[str, object]]) -> str:
    branches = [
        re.escape(char) + _spell(child)  # type: ignore[arg-type]
        for char, child in sorted(node.items())
        if char != _END
    ]
    if not branches:
        return ""
    joined = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{joined})?" if _END in node else joined


@dataclass(frozen=True, slots=True)
class Signs:
    """What a User-Agent shows apart from names.

    *automated* holds the reason codes of an undeclared or unknown automaton
    (``no_user_agent``, ``headless_declared``, ``ua_library``, ``ua_bot_word``,
    ``ua_contact_in_comment``, ``ua_compatible_token``), strongest first, and is
    empty for browsers and for apps on a person's device. *browser* says whether
    it has a browser's engine or names a person's device. *oversized* says that
    it was cut.
    """

    automated: tuple[str, ...]
    browser: bool
    oversized: bool = False


def signs(user_agent: str) -> Signs:
    """Read the structure of *user_agent*; it raises nothing on any text.

    >>> signs("curl/8.5.0").automated, signs("Mozilla/5.0 (X11) Gecko/20100101 Firefox/140.0").automated
    (('ua_library',), ())
    """
    raw = user_agent[:LONGEST].lower().strip()
    if not raw or raw == "-":
        return Signs(("no_user_agent",), browser=False)
    text = readable(raw)
    engine = _ENGINE.search(text) is not None
    app = not engine and _DEVICE.search(text) is not None
    contact = not app and ("://" in raw or "+www." in raw or _has_mailbox(raw))
    compatible = not app and _compatible(text)
    reasons: list[str] = []
    if _HEADLESS.search(text):
        reasons.append("headless_declared")
    if _LIBRARY.match(text):
        reasons.append("ua_library")
    if _says_bot(text, browser=engine or app, declared=contact or compatible):
        reasons.append("ua_bot_word")
    if contact and (not engine or compatible or "+http" in raw or reasons):
        reasons.append("ua_contact_in_comment")
    if compatible:
        reasons.append("ua_compatible_token")
    return Signs(tuple(reasons), engine or app, len(user_agent) > LONGEST)


def _says_bot(text: str, *, browser: bool, declared: bool) -> bool:
    """Whether a word such as bot or spider names the client and not, say, a Cubot phone."""
    for found in _BOT_WORD.finditer(text):
        # Inside a browser's User-Agent only a version makes it a name: "CUBOT X19" is a phone,
        # and an Electron app stands on a person's desk whatever it is called.
        versioned = text[found.end() : found.end() + 1] == "/" and "electron/" not in text
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
