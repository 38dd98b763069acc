"""Does a request that shows a browser's User-Agent look as that browser sends it?

One pure question about one request: which of its headers does no such browser
send? It is asked of navigations only, and most rules only of a User-Agent that
has exactly the shape of Chrome, Edge, Firefox or Safari: an app, a television,
a text browser or a proxy between has headers of its own, and missing ones say
nothing there.

================================ ========================================= ======
code                             what is wrong                             strike
================================ ========================================= ======
no_accept                        no Accept at all                          accept
accept_without_html              an Accept that wants no page              accept
no_accept_language               no Accept-Language                        language
accept_sxg_q_stale               Chrome 110 or later with ``q=0.9`` for    sxg
                                 signed exchanges; it sends 0.7
ch_ua_grease_wrong               the made-up brand is not the one of the   grease
                                 list's own Chromium version
ch_ua_order_wrong                the brands are not in that version's      grease
                                 order
ch_ua_major_mismatch             Sec-CH-UA and User-Agent name different   engine
                                 Chromium versions
ch_platform_mismatch             … different systems                       engine
ch_mobile_mismatch               … a phone and no phone                    engine
ch_ua_on_non_chromium            Firefox or Safari with Sec-CH-UA          engine
no_upgrade_insecure_requests     Chrome without it                         engine
no_ch_ua                         Chrome 90 or later without Sec-CH-UA      engine
no_fetch_metadata                a browser that sends Sec-Fetch-Mode       (none)
                                 without it
header_order                     Accept before User-Agent                  (none)
================================ ========================================= ======

Codes with one strike have one cause, so they count once (`strikes`): a person
who changes the User-Agent by an extension shows all of *engine* and nothing
else. Two strikes are evidence of automation, one is a doubt, and none is no
proof of a person. Codes without a strike are weight for a verdict that others
carry.

The brand list is what Chromium computes from its major version (read in its
``user_agent_utils.cc``, and compared with releases 110 to 156, November 2026).
Should that rule change one day, it costs everybody one strike, never two.

Fetch Metadata and client hints are sent to trustworthy origins alone (W3C
Fetch Metadata, section 2; UA Client Hints, section 4.1), so their rules are
skipped on plain HTTP except on this very machine. The order of headers is told
only where no proxy in front may have changed it.

Pure: no I/O, no clock, no raise on any octets. Values are cut before they are
read. What was found is kept beside the very header fields it was found in.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.ask import Ask, HeaderFields

#: Characters of one value that are read; real ones stay below half of it.
_LONGEST: Final = 512
#: What each strong code counts for: codes of one cause are one strike.
_STRIKES: Final = {
    "no_accept": "accept",
    "accept_without_html": "accept",
    "no_accept_language": "language",
    "accept_sxg_q_stale": "sxg",
    "ch_ua_grease_wrong": "grease",
    "ch_ua_order_wrong": "grease",
    "ch_ua_major_mismatch": "engine",
    "ch_platform_mismatch": "engine",
    "ch_mobile_mismatch": "engine",
    "ch_ua_on_non_chromium": "engine",
    "no_upgrade_insecure_requests": "engine",
    "no_ch_ua": "engine",
}
#: Codes that no request of the browser that is named shows; see `strikes`.
STRONG: Final = frozenset(_STRIKES)

_CHROME: Final = re.compile(
    r"Mozilla/5\.0 \([^()]{1,120}\) AppleWebKit/537\.36 \(KHTML, like Gecko\)"
    r" Chrome/([0-9]{1,4})\.[0-9.]{1,20}(?: Mobile)? Safari/537\.36(?: EdgA?/[0-9.]{1,20})?",
    re.ASCII,
)
_FIREFOX: Final = re.compile(
    r"Mozilla/5\.0 \([^()]{1,120}; rv:[0-9.]{1,10}\) Gecko/[0-9.]{1,10} Firefox/([0-9]{1,4})\.[0-9.]{1,20}",
    re.ASCII,
)
_SAFARI: Final = re.compile(
    r"Mozilla/5\.0 \([^()]{1,120}\) AppleWebKit/[0-9.]{1,10} \(KHTML, like Gecko\)"
    r" Version/([0-9]{1,3}(?:\.[0-9]{1,2})?)[0-9.]{0,6}(?: Mobile/[0-9A-Z]{1,10})? Safari/[0-9.]{1,10}",
    re.ASCII,
)
_CHROMIUM: Final = re.compile(r"Chrome/([0-9]{1,4})\.", re.ASCII)
#: The first major version that sends Sec-Fetch-Mode.
_FETCH_METADATA: Final = {"chrome": 80.0, "firefox": 90.0, "safari": 16.4}
_BRAND: Final = re.compile(r'"([^"\\]{0,40})";v="([0-9]{1,4})[0-9.]{0,20}"', re.ASCII)
#: Brands of programs whose list is exactly Chromium's own.
_PLAIN_BRANDS: Final = frozenset({"Chromium", "Google Chrome", "Microsoft Edge", "Brave"})
_GREASE_MARKS: Final = (" ", "(", ":", "-", ".", "/", ")", ";", "=", "?", "_")
_GREASE_VERSIONS: Final = ("8", "99", "24")
#: Where the made-up brand, Chromium and the program's own brand stand, by the major version modulo 6.
_ORDERS: Final = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
_SXG_Q: Final = re.compile(r"application/signed-exchange\s*;\s*v=b3\s*;\s*q=0\.9(?![0-9])", re.ASCII)
#: Whoever sends one of these may be a script, a frame or a part of a page, and no navigation.
_NOT_BARE: Final = (
    "referer", "origin", "cookie", "range", "x-requested-with", "sec-ch-ua", "upgrade", "authorization",
    "if-none-match", "if-modified-since", "access-control-request-method",
)  # fmt: skip
_PAGES: Final = (".html", ".htm", ".xhtml", ".shtml", ".php", ".asp", ".aspx", ".jsp")
_PREFETCHED: Final = ("sec-purpose", "purpose", "x-moz", "x-purpose", "next-action")
_KEPT: Final = "visitors.contradictions"


def contradictions(ask: Ask, *, ordered: bool = False) -> tuple[str, ...]:
    """The codes that *ask* earns, strong ones first; () for what is no navigation of a browser.

    *ordered* says that no proxy in front may have reordered the headers.
    """
    if ask.method != "GET":
        return ()
    fields = ask.headers
    assert isinstance(fields, HeaderFields)
    trustworthy = ask.origin.startswith("https://") or _is_here(ask.origin)
    key = (_KEPT, trustworthy, ordered, _is_page(ask.path))
    found: tuple[str, ...] | None = fields.kept.get(key)
    if found is None:
        found = fields.kept[key] = _found(ask, trustworthy=trustworthy, ordered=ordered)
    return found


def strikes(codes: tuple[str, ...]) -> int:
    """How many independent contradictions *codes* hold; two are evidence of automation.

    >>> strikes(("ch_ua_major_mismatch", "ch_platform_mismatch", "no_fetch_metadata"))
    1
    """
    return len({_STRIKES[code] for code in codes if code in _STRIKES})


def grease(major: int) -> tuple[str, str]:
    """The made-up brand and its version that Chromium *major* puts into Sec-CH-UA.

    >>> grease(143)
    ('Not A(Brand', '24')
    """
    marks = len(_GREASE_MARKS)
    brand = f"Not{_GREASE_MARKS[major % marks]}A{_GREASE_MARKS[(major + 1) % marks]}Brand"
    return brand, _GREASE_VERSIONS[major % 3]


def _is_page(path: str) -> bool:
    """Whether *path* is no file: what saves or plays files for a person often borrows the browser's name."""
    tail = path.rpartition("/")[2]
    return "." not in tail or tail.lower().endswith(_PAGES)


def _is_here(origin: str) -> bool:
    """Whether plain HTTP to *origin* never leaves this machine."""
    host = origin.removeprefix("http://")
    return host.startswith(("127.", "[::1]")) or host.partition(":")[0].endswith("localhost")


def _found(ask: Ask, *, trustworthy: bool, ordered: bool) -> tuple[str, ...]:
    agent = ask.user_agent[:_LONGEST]
    if not agent.startswith("Mozilla/5.0 (") or any(map(ask.has, _PREFETCHED)):
        return ()
    chrome, firefox, safari = _CHROME.fullmatch(agent), _FIREFOX.fullmatch(agent), _SAFARI.fullmatch(agent)
    named = chrome or firefox or safari
    accept = ask.header("accept")[:_LONGEST].lower()
    codes: list[str] = []
    if named is not None and _navigates(ask, accept, trustworthy=trustworthy):
        if not ask.has("accept"):
            codes.append("no_accept")
        elif "text/html" not in accept:
            codes.append("accept_without_html")
        if not ask.has("accept-language"):
            codes.append("no_accept_language")
        if chrome is not None:
            codes += _of_chrome(ask, int(chrome[1]), agent, accept, trustworthy=trustworthy)
    elif "text/html" not in accept:
        return ()
    if trustworthy:
        codes += _of_hints(ask, agent)
        name = "chrome" if chrome else "firefox" if firefox else "safari"
        late = named is not None and float(named[1]) >= _FETCH_METADATA[name]
        if late and not ask.has("sec-fetch-mode") and "; wv)" not in agent:
            codes.append("no_fetch_metadata")
    if ordered and (chrome or firefox) and _accept_first(ask):
        codes.append("header_order")
    return tuple(codes)


def _navigates(ask: Ask, accept: str, *, trustworthy: bool) -> bool:
    """Whether somebody who is what it says would have sent *ask* to open a page."""
    where = ask.header("sec-fetch-dest")
    if where:
        return where in {"document", "frame", "iframe"}
    if "text/html" in accept:
        return True
    # Without Sec-Fetch-Dest and without a wish for HTML it is a bare client, or a part of a page of an old
    # browser or over plain HTTP. Those say where they come from, or in which language.
    bare = not any(map(ask.has, _NOT_BARE)) and (trustworthy or not ask.has("accept-language"))
    return bare and _is_page(ask.path)


def _of_chrome(ask: Ask, major: int, agent: str, accept: str, *, trustworthy: bool) -> list[str]:
    codes: list[str] = []
    # Whose User-Agent was changed by hand still has the Accept of the program that it is.
    hinted = _hinted_major(ask)
    if min(major, hinted or major) >= 110 and _SXG_Q.search(accept):
        codes.append("accept_sxg_q_stale")
    if ("text/html" in accept or not accept) and not ask.has("upgrade-insecure-requests"):
        codes.append("no_upgrade_insecure_requests")
    if trustworthy and major >= 90 and not ask.has("sec-ch-ua") and "; wv)" not in agent:
        codes.append("no_ch_ua")
    return codes


def _hinted_major(ask: Ask) -> int:
    """The Chromium version that the brand list of *ask* names, or 0."""
    brands = dict(_BRAND.findall(ask.header("sec-ch-ua")[:_LONGEST]))
    return int(brands.get("Chromium", "0"))


def _of_hints(ask: Ask, agent: str) -> list[str]:
    listed = ask.header("sec-ch-ua")[:_LONGEST]
    if not listed:
        return []
    engine = _CHROMIUM.search(agent)
    if engine is None:
        foreign = "Firefox/" in agent or ("Safari/" in agent and ("Version/" in agent or "CriOS/" in agent))
        return ["ch_ua_on_non_chromium"] if foreign else []
    codes = _of_brands(_BRAND.findall(listed))
    hinted = _hinted_major(ask)
    if hinted and hinted != int(engine[1]):
        codes.append("ch_ua_major_mismatch")
    if _other_system(ask.header("sec-ch-ua-platform")[:40].strip('"'), agent):
        codes.append("ch_platform_mismatch")
    mobile = ask.header("sec-ch-ua-mobile")
    if mobile in {"?0", "?1"} and (mobile == "?1") is not (" Mobile " in agent):
        codes.append("ch_mobile_mismatch")
    return codes


def _of_brands(brands: list[tuple[str, str]]) -> list[str]:
    """What is wrong in a list that is Chromium's own in size and brands; nothing is said of any other."""
    names = [name for name, _ in brands]
    made_up = [at for at, name in enumerate(names) if name not in _PLAIN_BRANDS]
    if "Chromium" not in names or not 2 <= len(brands) <= 3 or len(made_up) > 1:
        return []
    chromium = names.index("Chromium")
    major = int(brands[chromium][1])
    if major < 110:
        return []
    if not made_up or brands[made_up[0]] != grease(major):
        # A brand of its own that stands where the made-up one was left out is another program.
        if made_up and not names[made_up[0]].startswith("Not"):
            return []
        return ["ch_ua_grease_wrong"]
    places = (made_up[0], chromium)
    right = _ORDERS[major % 6][:2] if len(brands) == 3 else (major % 2, 1 - major % 2)
    return [] if places == right else ["ch_ua_order_wrong"]


def _other_system(hinted: str, agent: str) -> bool:
    """Whether the hint and the User-Agent name systems that no one device has at once."""
    if hinted == "Windows":
        return "Windows" not in agent
    if hinted == "macOS":
        return "Macintosh" not in agent
    # "Desktop site" makes an Android say Linux in one of the two, so these three are one.
    if hinted in {"Linux", "Android", "Chrome OS", "Chromium OS"}:
        return "Windows" in agent or "Macintosh" in agent
    return hinted == "iOS" and "iPhone" not in agent and "iPad" not in agent and "Macintosh" not in agent


def _accept_first(ask: Ask) -> bool:
    names = [name for name, _ in ask.headers]
    return "accept" in names and names.index("accept") < names.index("user-agent")
