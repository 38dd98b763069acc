"""One line of the closed list of refusals (`gateway.problems`), and how it is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """What one refusal is called, by whom; texts are "" where a protocol has no word for it."""

    code: str
    status: int
    title: str
    next_step: str
    license_error: str = ""
    crawler_error: str = ""
    oauth_error: str = ""


def entry(code: str, status: int, title: str, next_step: str, **errors: str) -> Entry:
    """Write one line; *errors* are the names of other protocols, by member of `Entry`."""
    return Entry(code, status, title, next_step, **errors)


class Told:
    """A member of an enumeration of `Entry`, with what that says at hand.

    Attributes:
        code: the stable name, as it stands in records and URLs.
        status: the HTTP status.
        title: the rule, as a public sentence without a full stop.
        next_step: what the other side can do about it.
        license_error: the `error` of a ``WWW-Authenticate: License`` challenge, or "".
        crawler_error: the value of a ``crawler-error`` header, or "".
        oauth_error: the `error` of an OAuth answer, or "".
    """

    def __init__(self, value: Entry) -> None:
        """Take what *value* says."""
        self.code = value.code
        self.status = value.status
        self.title = value.title
        self.next_step = value.next_step
        self.license_error = value.license_error
        self.crawler_error = value.crawler_error
        self.oauth_error = value.oauth_error
