"""Forms that whoever reads a page may not send are taken out of it.

The pages are drawn for somebody who may do everything; a form stands in none of
them twice and inside no other (HTML, section 4.10.3), and text that somebody
chose is escaped, so that what looks like a form here is one of ours.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final

_FORM: Final = re.compile(r"<form\b([^>]*)>.*?</form>", re.DOTALL)
_METHOD: Final = re.compile(r'\bmethod="post"')
_ACTION: Final = re.compile(r'\baction="([^"]*)"')
_NOTE: Final = '<p class="muted">Your role does not include doing this.</p>'


def actions_of(page: str) -> frozenset[str]:
    """Where the forms of *page* that change something are sent."""
    return frozenset(filter(None, (_action(found[1]) for found in _FORM.finditer(page))))


def without_forms(page: str, kept: Callable[[str], bool]) -> str:
    """*page* with a sentence in place of each form whose address is not *kept*.

    >>> without_forms('<form method="post" action="/a?x&amp;y"><p>b</p></form>', lambda path: False)
    '<p class="muted">Your role does not include doing this.</p>'
    """

    def instead(found: re.Match[str]) -> str:
        action = _action(found[1])
        return found[0] if not action or kept(action) else _NOTE

    return _FORM.sub(instead, page)


def _action(attributes: str) -> str:
    action = _ACTION.search(attributes)
    return html.unescape(action[1]) if action and _METHOD.search(attributes) else ""
