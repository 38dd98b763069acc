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
    """Reads the members of an `Entry` off a member of an enumeration of them."""

    value: Entry

    @property
    def code(self) -> str:
        """The stable name, as it stands in records and URLs."""
        return self.value.code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value.status

    @property
    def title(self) -> str:
        """The rule, as a public sentence without a full stop."""
        return self.value.title

    @property
    def next_step(self) -> str:
        """What the other side can do about it."""
        return self.value.next_step

    @property
    def license_error(self) -> str:
        """The `error` of a ``WWW-Authenticate: License`` challenge, or ""."""
        return self.value.license_error

    @property
    def crawler_error(self) -> str:
        """The value of a ``crawler-error`` header, or ""."""
        return self.value.crawler_error

    @property
    def oauth_error(self) -> str:
        """The `error` member of an OAuth or OLP error body, or ""."""
        return self.value.oauth_error
