"""What sort of automaton is this, where its name is not known? Told by words, names' forms and structure.

The kinds are the ``[[kind]]`` tables of ``policies/crawlers/*.toml``, in their
order: services that must pass come first, so that a feed reader stays one
whatever it is built of; then the forms of names that only AI crawlers use; then
libraries, and robots of any other name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.visitors.product_token import Signs, Tokens, Words
from gateway.visitors.visitor import Crawler

_AI_WORD = re.compile(r"[a-z]AI(?![a-z])")
_ADDRESS = re.compile(r"[a-zA-Z]+://[^\s;,()<>]*|[^\s;,()<>]*@[^\s;,()<>]*|(?i:www\.)[^\s;,()<>]*")


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of automaton recognized by what it says where no name is known.

    *words* count anywhere, the contact address included; *tokens* outside it and
    as whole words (`product_token.Tokens`); *signs* are reason codes of
    `product_token.Signs`, for a kind that is known by its structure alone, or
    ``ua_ai_word``: a name that has AI in it in capitals, such as ``NewAIBot``.
    """

    crawler: Crawler
    words: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    signs: frozenset[str] = frozenset()


class Kinds:
    """Every kind, and which one a User-Agent is of: the first that fits."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        """Index *kinds*, the first first."""
        self._kinds = kinds
        self._words = Words((word, at) for at, kind in enumerate(kinds) for word in kind.words)
        self._by_token: dict[str, int] = {}
        for at, kind in enumerate(kinds):
            for token in kind.tokens:
                self._by_token.setdefault(token.lower(), at)
        self._tokens = Tokens(self._by_token)
        self._by_sign: dict[str, int] = {}
        for at, kind in enumerate(kinds):
            for sign in kind.signs:
                self._by_sign.setdefault(sign, at)
        self._ai_word = self._by_sign.get("ua_ai_word")

    def of(self, raw: str, text: str, structure: Signs, spelled: str) -> Crawler | None:
        """The first kind that fits *raw*, capped and lower case, or None.

        *text* is the same without addresses, *structure* its signs, *spelled*
        the User-Agent as it was sent, capped.
        """
        fits = self._words.numbers(raw)
        fits.update(self._by_token[found.token] for found in self._tokens.find(text))
        if self._ai_word is not None and structure.automated and "ai" in text and _has_ai_word(spelled):
            fits.add(self._ai_word)
        if structure.named:
            fits.update(self._by_sign[sign] for sign in structure.automated if sign in self._by_sign)
        return self._kinds[min(fits)].crawler if fits else None


def _has_ai_word(spelled: str) -> bool:
    """Whether a name outside addresses has AI in it in capitals."""
    return _AI_WORD.search(spelled) is not None and _AI_WORD.search(_ADDRESS.sub(" ", spelled)) is not None
