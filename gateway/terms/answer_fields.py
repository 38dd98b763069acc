"""The fields of an answer that tell what may be done with it: one place for all formats.

``Content-Usage``, ``Content-Signal``, ``tdm-reservation`` and ``tdm-policy`` replace
the site's own, because two lines of them mean something else than either: the
stricter of both is told, or the policy's alone (`terms.publishing`).
``X-Robots-Tag: noai`` is a line more beside the site's. They stand on what was
delivered, and on nothing else.

Under a license the answer says what that license grants for this very answer,
which is nobody else's (it is ``private, no-store``); the reservation stays.

Pure. What is told for a page is made once and kept as octets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.terms import content_signal, content_usage, tdmrep, x_robots_tag
from gateway.terms.license_terms import PublishedScope, PublishedTerms
from gateway.terms.payment_required import absolute
from gateway.terms.preferences import Statement, said_by, strictest
from gateway.terms.publishing import RobotsPreferences
from gateway.uses import Use, Uses, closure

#: The site's own fields that are taken off, lower case.
REPLACED: Final = frozenset({content_usage.FIELD, content_signal.FIELD, tdmrep.RESERVATION, tdmrep.POLICY})
_NOBODY: Final[Uses] = frozenset()


@dataclass(frozen=True, slots=True)
class AnswerFields:
    """What an answer says. *replaced* are the names of the site's own fields that it stands for.

    *granted* are the uses of the license under which it goes out.
    """

    usage: Statement
    signals: Statement
    reserved: bool | None
    policy: str
    closed: bool
    replaced: frozenset[str]
    granted: Uses = _NOBODY

    def octets(self) -> bytes:
        """The lines, each behind a line end."""
        lines = []
        if self.usage:
            lines.append(f"Content-Usage: {content_usage.render(self.usage)}")
        if self.signals:
            lines.append(f"Content-Signal: {content_signal.render(self.signals)}")
        if self.reserved is not None:
            lines.append(f"tdm-reservation: {int(self.reserved)}")
            if self.reserved and self.policy:
                lines.append(f"tdm-policy: {self.policy}")
        if self.closed:
            lines.append(f"X-Robots-Tag: {x_robots_tag.VALUE}")
        return "".join(f"\r\n{line}" for line in lines).encode("ascii", "replace")

    def beside(self, theirs: Iterable[tuple[str, str]]) -> AnswerFields:
        """The same, no more permissive than the site's own fields *theirs* (names in any case).

        Several lines of one field may come from several parties: each counts, and a no in any of them.
        """
        found = [(name.lower(), value) for name, value in theirs]

        def lines(wanted: str) -> list[str]:
            return [value for name, value in found if name == wanted]

        policy = ", ".join(lines(tdmrep.POLICY))
        told = (each for line in lines(tdmrep.RESERVATION) for each in line.split(","))
        own = any(map(tdmrep.header_value, told)) and self.reserved is False
        return AnswerFields(
            self._stricter(
                self.usage,
                _every(content_usage.read, lines(content_usage.FIELD)),
                content_usage.LABELS,
            ),
            self._stricter(
                self.signals,
                _every(content_signal.read, lines(content_signal.FIELD)),
                content_signal.LABELS,
            ),
            True if own else self.reserved,
            policy if own and policy.isascii() and policy.isprintable() else self.policy,
            self.closed,
            self.replaced,
            self.granted,
        )

    def _stricter(self, ours: Statement, theirs: Statement, labels: Mapping[str, Use]) -> Statement:
        """Of a channel that is on, the stricter of both; what a license grants is granted by the site itself."""
        if not ours:
            return ours
        # A word that is no label limits what a model may answer.
        return strictest(
            ours, tuple(pair for pair in theirs if labels.get(pair[0], Use.AI_INPUT) not in self.granted)
        )


def _every(read: Callable[[str], Statement], lines: list[str]) -> Statement:
    """What *lines* say as one field (RFC 9110, section 5.3), and each by itself."""
    return strictest(read(", ".join(lines)), *map(read, lines)) if lines else ()


def answer_fields(terms: PublishedTerms, path: str, licensed: Uses = _NOBODY) -> AnswerFields:
    """What an answer for canonical *path* says; "" is a path with more than one reading.

    *licensed* are the uses that the license of this fetch grants.
    """
    scopes = _around(terms, path)
    chosen = terms.publishing
    granted = closure(licensed)
    usage = (
        strictest(*(said_by(scope, content_usage.LABELS) for scope in scopes)) if chosen.content_usage else ()
    )
    signals = (
        strictest(*(said_by(scope, content_signal.LABELS) for scope in scopes))
        if chosen.content_signals
        else ()
    )
    reserved = any(tdmrep.reserved(scope) for scope in scopes) if chosen.tdmrep else None
    names = {
        *({content_usage.FIELD} if chosen.content_usage else ()),
        *({content_signal.FIELD} if chosen.content_signals else ()),
        *({tdmrep.RESERVATION, tdmrep.POLICY} if chosen.tdmrep else ()),
    }
    sells = any(scope.offers for scope in terms.scopes)
    return AnswerFields(
        tuple((label, said or content_usage.LABELS[label] in granted) for label, said in usage),
        tuple((label, said or content_signal.LABELS[label] in granted) for label, said in signals),
        reserved,
        absolute(terms.origin + tdmrep.POLICY_PATH) if sells else "",
        chosen.x_robots_tag and not granted and all(map(x_robots_tag.closed, scopes)),
        frozenset(names),
        granted,
    )


def _around(terms: PublishedTerms, path: str) -> tuple[PublishedScope, ...]:
    """The narrowest scope of *path*, or all of them where there is none or it is in doubt."""
    for scope in terms.scopes if path else ():
        if any(each.covers(path) for each in scope.paths):
            return (scope,)
    return terms.scopes or (PublishedScope((), "", frozenset(), ()),)


_MOST: Final = 4096
_kept: dict[tuple[int, str, Uses], tuple[AnswerFields, bytes, PublishedTerms]] = {}


def preferences_told(
    terms: PublishedTerms, path: str, licensed: Uses = _NOBODY
) -> tuple[AnswerFields, bytes]:
    """`answer_fields` and their octets, made once for a page; bounded, because a stranger can ask for any path."""
    key = (id(terms), path, licensed)
    found = _kept.get(key)
    if found is None or found[2] is not terms:
        if len(_kept) >= _MOST:
            _kept.clear()
        fields = answer_fields(terms, path, licensed)
        found = _kept[key] = (fields, fields.octets(), terms)
    return found[0], found[1]


def combines(terms: PublishedTerms) -> bool:
    """Whether the site's own fields count."""
    return terms.publishing.preferences is RobotsPreferences.COMBINE
