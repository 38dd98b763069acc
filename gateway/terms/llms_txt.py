"""llms.txt: a section on licensing, for readers that look there first.

The convention of llmstxt.org (2024-09, second text of 2026-08): Markdown with one
heading, a summary, and sections of links. It grants nothing and forbids nothing;
the section says so and points to where the terms are. The site's own file passes
as it is, with the section at its end. Pure; raises nothing on any octets.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.terms.license_terms import PublishedTerms

PATH: Final = "/llms.txt"
MEDIA_TYPE: Final = "text/markdown; charset=utf-8"
HEADING: Final = "## Licensing"
_MOST_OCTETS: Final = 1024 * 1024
_MARKUP: Final = re.compile(r"[\[\]()<>`*_#|\\\x00-\x1f\x7f]")
_SECTION: Final = re.compile(rf"^{HEADING}[ \t]*$.*?(?=^#{{1,2}}[ \t]|\Z)", re.MULTILINE | re.DOTALL)


def merged(origin: bytes | None, terms: PublishedTerms) -> bytes:
    """The file to serve. A section of this name that the site wrote itself is kept, and ours stands behind it."""
    name = _MARKUP.sub(" ", terms.name).strip() or terms.origin.partition("://")[2]
    theirs = (origin or b"")[:_MOST_OCTETS].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    if not theirs.strip():
        theirs = f"# {name}\n\n> Pages of {name}. What may be done with them by machine is said below.\n"
    return (theirs.replace("\r\n", "\n").rstrip() + "\n\n" + section(terms)).encode("utf-8", "replace")


def section(terms: PublishedTerms) -> str:
    """The section by itself."""
    contact = _MARKUP.sub(" ", terms.contact).strip()
    lines = [
        HEADING,
        "",
        "Reading this file grants nothing. The terms, by machine and for people:",
        "",
        f"- [Terms as RSL]({terms.license_url}): what is free, what is for sale, what is reserved",
        f"- [License desk]({terms.desk_url}/): offers, prices, and how a program buys",
        f"- [License page]({terms.desk_url}/terms/): the same for people, every version kept",
    ]
    if contact:
        lines.append(f"- Contact: {contact}")
    return "\n".join([*lines, ""])


def sections(octets: bytes) -> tuple[str, ...]:
    """Every section on licensing that a file has."""
    return tuple(_SECTION.findall(octets.decode("utf-8", "replace").replace("\r\n", "\n")))
