"""How does an automaton that nobody knows name itself? For people to read, never for rules.

A name that is not in the catalog proves nothing and binds nothing; it says whom
to ask. So it is no `Crawler`, and it is read only where somebody looks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.visitors.product_token import LONGEST


class Introduction(NamedTuple):
    """How an unknown automaton names itself: a product's *name*, and the *host* of its contact; "" where it does not."""

    name: str = ""
    host: str = ""


_BOT = re.compile(
    r"(?:bots?|spider|crawl(?:er|ing)?|scrap(?:er|ing|y)|fetch(?:er)?|agent|-user)(?![a-z])", re.IGNORECASE
)
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9_.!-]{1,60}(?: (?:Bot|bot|Crawler|crawler|Spider|spider|AI)\b)?")
_HOST = re.compile(r"(?:://|\bwww\.|@)(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)
_SPELLED = re.compile(
    r"[a-z]{2,8}://[^\s;,()<>\"']*|\bwww\.[^\s;,()]*|[^\s;,()<>]{0,64}@[^\s;,()<>]*", re.IGNORECASE
)
_COMMON = frozenset(
    [
        *(
            "mozilla",
            "applewebkit",
            "chrome",
            "safari",
            "version",
            "gecko",
            "khtml",
            "mobile",
            "like",
            "compatible",
        ),
        *(
            "firefox",
            "headlesschrome",
            "linux",
            "windows",
            "nt",
            "macintosh",
            "intel",
            "mac",
            "os",
            "x11",
            "ubuntu",
        ),
        *("android", "iphone", "cpu", "bot", "robot", "crawler", "spider", "http", "https", "contact", "the"),
    ]
)


def introduction(user_agent: str) -> Introduction:
    """Read how *user_agent* names itself; a claim in its own words, for people to read. No raise.

    >>> introduction("Mozilla/5.0 (compatible; NewBot/1.0; +https://www.new.example/bot)")
    Introduction(name='NewBot', host='new.example')
    """
    text = user_agent[:LONGEST]
    host = _HOST.search(text)
    products = [
        found.group()
        for found in _PRODUCT.finditer(_SPELLED.sub(" ", text))
        if found.group().split()[0].lower() not in _COMMON
    ]
    named = [product for product in products if _BOT.search(product)]
    return Introduction(
        next(iter(named or products), "").rstrip(".-!"), host.group(1).lower().rstrip(".") if host else ""
    )
