"""What the public pages are printed on: one sheet and one style, allowed by its hash.

The pages run and load nothing; their only style stands in the page, and the
Content-Security-Policy (Level 3, W3C working draft) names it by SHA-256, so
that nothing else may be styled or run. Light or dark as the reader's system is.
Made for WCAG 2.2, level AA: the colors are `COLORS`, whose contrast a test
measures; a table that is wider than the page scrolls by keyboard. Sides are named by the
direction of writing, never left and right.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from gateway.languages import LANGUAGES, chosen, foreign, here_in, spoken, tr

#: Light and dark: what is behind, text, quiet text, links and focus.
COLORS: Final = {
    "light": {"paper": "#fbfaf8", "ink": "#1f1d1a", "quiet": "#5f5a52", "link": "#0b5cad", "rule": "#d8d3ca"},
    "dark": {"paper": "#141312", "ink": "#ece8e1", "quiet": "#aaa397", "link": "#7ab8f5", "rule": "#3a3733"},
}


def _named(scheme: str) -> str:
    return ":root{" + "".join(f"--{name}:{color};" for name, color in COLORS[scheme].items()) + "}"


STYLE: Final = (
    f"{_named('light')}@media(prefers-color-scheme:dark){{{_named('dark')}}}"
    ":root{color-scheme:light dark}"
    "body{background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,sans-serif;max-width:50rem;"
    "margin:2.5rem auto;padding:0 1.2rem;overflow-wrap:break-word;font-variant-numeric:tabular-nums}"
    "h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2.2rem}h3{font-size:1rem;margin-top:1.6rem}"
    "a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}"
    "pre{padding:.8rem 1rem;border:1px solid var(--rule);border-radius:6px;white-space:pre-wrap}"
    "code{font-family:ui-monospace,monospace;font-size:.92em;overflow-wrap:anywhere}th code{overflow-wrap:break-word}"
    ".wide{overflow-x:auto}.wide+.wide{margin-top:1.2rem}table{border-collapse:collapse;width:100%;font-size:.92em}"
    "caption{text-align:start;color:var(--quiet);padding-bottom:.3rem}"
    "td,th{text-align:start;padding-block:.4rem;padding-inline:0 .8rem;border-bottom:1px solid var(--rule);vertical-align:top}"
    ".pairs th{width:9rem}.pairs td{overflow-wrap:anywhere}@media(max-width:30rem){.pairs th{width:6rem}}"
    ".right{text-align:end;white-space:nowrap}time{white-space:nowrap}"
    "@media(max-width:30rem){.cards thead{display:none}.cards,.cards :is(caption,tbody,tr,td,th){display:block}"
    ".cards tr{padding-block:.5rem;border-bottom:1px solid var(--rule)}.cards :is(td,th){border:0;padding-block:.1rem}"
    ".cards td::before{content:attr(data-name)': ';color:var(--quiet)}.cards .right{text-align:start}.cards td{overflow-wrap:anywhere}}"
    "@media(min-width:30rem){.cards td a{white-space:nowrap}}.quiet{color:var(--quiet)}footer{margin-top:1.6rem}li{margin:.25rem 0}"
    "form{margin:1rem 0}label{display:block;margin:.8rem 0 .2rem}label.box,label.one{margin:.3rem 0}"
    "input,select,textarea,button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--quiet);"
    "border-radius:6px;padding:.35rem .6rem;min-height:2.4rem;width:100%;max-width:100%;box-sizing:border-box}"
    ".box input,.one input{width:1.15rem;height:1.15rem;min-height:0;margin:0;margin-inline-end:.5rem;vertical-align:-.2rem;accent-color:var(--link)}"
    ".box,.one{padding-inline-start:1.65rem;text-indent:-1.65rem}"
    "button{width:auto;background:var(--link);border-color:var(--link);color:var(--paper);font-weight:600;cursor:pointer;"
    "margin-top:.8rem;padding:.35rem 1.1rem}button.second{background:var(--paper);color:var(--link)}"
    "fieldset{border:1px solid var(--rule);border-radius:6px;margin:1rem 0;padding:.2rem 1rem 1rem;min-width:0}"
    "legend{font-weight:600;padding:0 .3rem}summary{cursor:pointer;color:var(--link)}"
    ".told{border-inline-start:4px solid var(--quiet);padding:.4rem 1rem;margin:1rem 0}.told.wrong{border-color:var(--ink)}"
    ".wrong,.marked{font-weight:600}[aria-invalid]{border:2px solid var(--ink)}"
    "textarea{min-height:6rem}.trap{position:absolute;inset-inline-start:-99rem}"
    "@media print{body{margin:0;max-width:none}.wide{overflow:visible}}"
)
CONTENT_SECURITY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: The same for a page with a form, which goes to this host alone.
FORM_SECURITY: Final = CONTENT_SECURITY.replace("form-action 'none'", "form-action 'self'")


_ADDRESS: Final = re.compile(
    r'(<(?:a|form)\b[^>]*? (?:href|action)=")((?:https?://[^/"<>]+)?/\.licet/[^"?#<>]*)(\?[^"#<>]*)?((?:#[^"<>]*)?")'
)
_MAIL: Final = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
_GETS: Final = re.compile(r'<form method="get"[^>]*>')
#: What stays as it is: files, and data in no language that refuses members it does not know.
_DATA: Final = re.compile(r"\.[a-z]{2,6}$|/(?:catalogue|quote)$")


def sheet(title: str, body: str, *, head: str = "", choice: bool = False) -> str:
    """A whole page in the language that is spoken: *title* is text and its one ``h1``, *body* and *head* are HTML.

    With *choice* it ends with links to itself in the other languages.
    """
    named, language = escape(title), spoken()
    foot = _choice() if choice else ""
    if code := chosen():
        body = in_language(body, code)
    return (
        f'<!doctype html>\n<html lang="{language.code}" dir="{language.direction}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n{head}<title>{named}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{named}</h1>\n{body}</main>\n{foot}</body>\n</html>\n"
    )


def in_language(html: str, code: str) -> str:
    """*html* whose links and forms to the public pages of this site ask for the language of that code.

    Addresses of files and data, and of anything that is no public page, stay as they are; text that somebody
    wrote is escaped by now and holds no link.

    >>> in_language('<a href="/.licet/terms/#x">a</a> <a href="/.licet/a.pdf">b</a> <a href="/essays/">c</a>', "de")
    '<a href="/.licet/terms/?lang=de#x">a</a> <a href="/.licet/a.pdf">b</a> <a href="/essays/">c</a>'
    """

    def named(found: re.Match[str]) -> str:
        before, path, query, rest = found.groups()
        if _DATA.search(path) or "lang=" in (query or ""):
            return found[0]
        return f"{before}{path}{f'{query}&amp;' if query else '?'}lang={code}{rest}"

    html = _ADDRESS.sub(named, html)
    return _GETS.sub(rf'\g<0>\n<input type="hidden" name="lang" value="{code}">', html)


def _choice() -> str:
    links = ", ".join(
        f'<a href="?{escape(here_in(each.code))}" hreflang="{each.code}" lang="{each.code}" dir="{each.direction}">{each.name}</a>'
        for each in LANGUAGES.values()
        if each is not spoken()
    )
    return f'<footer class="quiet"><nav aria-label="{tr("Language")}">{tr("This page in")} {links}</nav></footer>\n'


class Html(str):
    """A cell that is HTML already, made by us of parts that were escaped."""

    __slots__ = ()


def link(address: str, text: str) -> Html:
    """A link to *address* that says *text*."""
    return Html(f'<a href="{escape(address)}">{escape(text)}</a>')


def reached(contact: str) -> Html:
    """How somebody is reached, as a link where it is a mail address or an address of a page; of a site's own choosing."""
    if _MAIL.fullmatch(contact):
        return link(f"mailto:{contact}", contact)
    return link(contact, contact) if contact.startswith(("https://", "http://")) else Html(escape(contact))


def original(text: str) -> str:
    """*text* that stays in the language in which it binds, marked for whoever reads aloud; to stand in a cell."""
    marked = foreign()
    return Html(f"<span{marked}>{escape(text)}</span>") if marked else text


def _shown(text: str) -> str:
    return text if isinstance(text, Html) else escape(text)


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: int = 0,
    cards: bool = False,
) -> str:
    """A table of cells, text or `Html`; the first of each row names it, the last *right* ones are numbers.

    Scrolls where the page is narrow. With *cards* each row is a card of named values there instead: for a table
    whose last columns nobody may miss. Roles keep it a table for whoever hears it.
    """
    named = escape(caption)
    first = len(columns) - right

    def role(name: str) -> str:
        return f' role="{name}"' if cards else ""

    def cell(tag: str, at: int, text: str, more: str = "") -> str:
        mark = ' class="right"' if right and at >= first else ""
        return f"<{tag}{more}{mark}>{_shown(text)}</{tag}>"

    def value(at: int, text: str) -> str:
        return cell("td", at, text, f'{role("cell")} data-name="{escape(columns[at])}"' if cards else "")

    heads = "".join(
        cell("th", at, column, f'{role("columnheader")} scope="col"') for at, column in enumerate(columns)
    )
    lines = "".join(
        f'<tr{role("row")}><th{role("rowheader")} scope="row">{_shown(row[0])}</th>'
        f"{''.join(value(at, text) for at, text in enumerate(row[1:], 1))}</tr>\n"
        for row in rows
    )
    kind = ' class="cards" role="table"' if cards else ""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{named}">\n<table{kind}>\n<caption>{named}</caption>\n'
        f"<thead{role('rowgroup')}><tr{role('row')}>{heads}</tr></thead>\n"
        f"<tbody{role('rowgroup')}>\n{lines}</tbody>\n</table>\n</div>\n"
    )


def pairs(label: str, rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and what they are, which fits every width."""
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{_shown(value)}</td></tr>\n' for name, value in rows
    )
    return f'<table class="pairs" aria-label="{escape(label)}">\n<tbody>\n{lines}</tbody>\n</table>\n'
