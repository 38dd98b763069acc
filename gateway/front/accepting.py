"""In which form an answer is wanted: a page or a document, and in which language. Pure."""

from __future__ import annotations

from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.languages import wanted
from gateway.visitors.visitor import Identity


def language_of(ask: Ask) -> str:
    """The code of the language that a page for *ask* speaks: by ``?lang=``, else by what the browser prefers."""
    return wanted(",".join(ask.all("accept-language")), _named(ask))


def _named(ask: Ask) -> str:
    """The language that the query names, which goes before what the browser prefers."""
    if "lang=" not in ask.query:
        return ""
    return next((part[5:] for part in ask.query.split("&") if part.startswith("lang=")), "")


def reads_html(ask: Ask, judged: Judged | None) -> bool:
    """Whether this looks like a browser with somebody before it; a named crawler is none, whatever it sends.

    Whose crawlers it is only taken for, because of its network, may well be a person.
    """
    if not ask.user_agent.startswith("Mozilla/"):
        return False
    if judged and judged.visitor.crawler and judged.visitor.identity is not Identity.NONE:
        return False
    accept = ",".join(ask.all("accept"))
    html = _liked(accept, "text/html")
    return html > max(_liked(accept, "application/problem+json"), _liked(accept, "application/json"))


def _liked(accept: str, media: str) -> float:
    """How much *media* is wanted, by its most specific range (RFC 9110, section 12.5.1); 0 is not at all."""
    ranges = (media, f"{media.partition('/')[0]}/*", "*/*")
    found: dict[str, float] = {}
    for part in accept.split(",")[:64]:
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        if name in ranges:
            found[name] = _weight(weight)
    return next((found[name] for name in ranges if name in found), 0.0)


def _weight(text: str) -> float:
    whole, _, rest = text.partition(".")
    return (
        float(text)
        if whole in {"0", "1"} and len(rest) <= 3 and rest.isascii() and (rest + "0").isdigit()
        else 0.0
    )
