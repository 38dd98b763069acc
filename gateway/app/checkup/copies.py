"""Further copies of a site's text, as its own pages name them: feeds, APIs, AMP, sitemaps, picture servers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from gateway.finding import Finding
from gateway.spoken import counted

if TYPE_CHECKING:
    from gateway.origin.small import SmallAnswer
    from gateway.policy.rules import Policy
    from gateway.problems import Refusal

#: Asks the site's own server for one address.
Ask = Callable[[str], Awaitable["SmallAnswer | Refusal"]]
_LOC: Final = re.compile(rb"<loc>\s*([^<\s]{1,2048})\s*</loc>")
_TYPES: Final = ("application/rss+xml", "application/atom+xml", "application/json", "application/feed+json")
#: Parts of a sitemap index that are read, and addresses of one site that are put to the rules.
_PARTS: Final = 3
_MOST: Final = 2000
_NAMED: Final = 5
#: What the rules say of a path that the creator opened to everyone.
_FREE: Final = "free"


class _Named(HTMLParser):
    """The addresses that a page names, in order: copies of its text, and pictures."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.copies: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and given.get("href"):
            rel = given.get("rel", "").lower().split()
            feed = "alternate" in rel and given.get("type", "").lower() in _TYPES
            if feed or "amphtml" in rel or "https://api.w.org/" in rel:
                self.copies.append(given["href"])
        elif tag in {"img", "source", "video", "audio"}:
            self.pictures += [given[name] for name in ("src", "poster") if given.get(name)]
            self.pictures += [each.split()[0] for each in given.get("srcset", "").split(",") if each.split()]


def named_in(page: bytes, base: str, hosts: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The copies on the site's own *hosts* that *page* at *base* names, as targets; and the hosts elsewhere of its pictures.

    >>> named_in(b'<link rel="amphtml" href="/amp/"><img src="https://cdn.example/a.jpg">', "https://a.example/", ["a.example"])
    (('/amp/',), ('cdn.example',))
    """
    parser = _Named()
    parser.feed(page.decode("utf-8", "replace"))
    own = {urlsplit(base).netloc, *hosts}
    copies = [parts for each in parser.copies if (parts := _parts(base, each)) and parts[0] in own]
    others = [parts[0] for each in parser.pictures if (parts := _parts(base, each)) and parts[0] not in own]
    return tuple(dict.fromkeys(target for _, target in copies)), tuple(dict.fromkeys(others))


def _parts(base: str, address: str) -> tuple[str, str] | None:
    try:
        found = urlsplit(urljoin(base, address.strip()))
    except ValueError:
        return None
    if found.scheme not in {"http", "https"}:
        return None
    return found.netloc.lower(), (found.path or "/") + (f"?{found.query}" if found.query else "")


async def copies(policy: Policy, home: bytes, ask: Ask) -> list[Finding]:
    """What *policy* gives away beside the pages that it prices; *home* is the first page as its own server gives it."""
    from gateway.app.checkup.ways_around import is_free

    site = policy.site
    base = f"{site.public or 'https://' + next((host for host in site.hosts if '*' not in host), 'site.example')}/"
    named, elsewhere = named_in(home, base, site.hosts)
    found: list[Finding] = []
    if named and not is_free(policy, "/"):
        free = [target for target in named if is_free(policy, target)]
        if free:
            fact = f"{site.id}: the first page names {', '.join(free[:_NAMED])}, free to a crawler that must pay for the page"
            step = "take them out of free_paths and rules, and into a work"
            found.append(Finding("copies", "warn", fact, step))
        else:
            fact = f"{site.id}: what the first page names beside itself is not free ({', '.join(named[:_NAMED])})"
            found.append(Finding("copies", "ok", fact))
    if elsewhere:
        fact = f"{site.id}: pictures or films stand at {', '.join(elsewhere[:_NAMED])}, which Licet does not guard"
        step = "serve them from the site, or have that server ask for the same terms"
        found.append(Finding("pictures", "warn", fact, step))
    return [*found, *await _sitemap(policy, base, ask)]


async def _sitemap(policy: Policy, base: str, ask: Ask) -> list[Finding]:
    """Whether pages that the sitemap names are in no work, and so free to everybody."""
    from gateway.problems import Refusal
    from gateway.terms.robots_txt import parse_robots

    robots = await ask("/robots.txt")
    told = (
        parse_robots(robots.body).sitemaps if not isinstance(robots, Refusal) and robots.status == 200 else ()
    )
    waiting = [parts[1] for each in (told or ("/sitemap.xml",)) if (parts := _parts(base, each))][:_PARTS]
    pages: list[str] = []
    asked = 0
    while waiting and asked < 2 * _PARTS and len(pages) < _MOST:
        answer = await ask(waiting.pop(0))
        asked += 1
        if isinstance(answer, Refusal) or answer.status != 200:
            continue
        found = [
            parts[1]
            for each in _LOC.findall(answer.body)
            if (parts := _parts(base, each.decode("utf-8", "replace")))
        ]
        if b"<sitemapindex" in answer.body[:2000]:
            waiting += found[:_PARTS]
        else:
            pages += found
    return [priced(policy, pages[:_MOST])] if pages else []


def priced(policy: Policy, pages: list[str]) -> Finding:
    """What a crawler that trains meets at *pages*, targets on the site of *policy*."""
    from gateway.app.checkup.ways_around import reader_ruling
    from gateway.policy.rules import Verdict

    rulings = [(page, reader_ruling(policy, page)) for page in pages]
    free = [page for page, said in rulings if said.verdict is Verdict.SERVE]
    bare = [
        page
        for page, said in rulings
        if said.verdict is Verdict.SERVE and not said.work and said.rule != _FREE
    ]
    of = f"{policy.site.id}: of {counted(len(pages), 'page')} in the sitemap"
    if bare and len(free) < len(pages):
        fact = (
            f"{of} {len(bare)} are in no work, and free to a crawler that trains: {', '.join(bare[:_NAMED])}"
        )
        return Finding(
            "sitemap", "warn", fact, "put their paths into a work, if they are meant to be paid for"
        )
    return Finding("sitemap", "ok", f"{of} {len(pages) - len(free)} are not free to a crawler that trains")
