"""What is raised because something broke; a refusal is a value instead (`gateway.problems`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a file that a person wrote.

    *key* is a path such as ``offers.training.price.per_fetch`` or
    ``works[1].rights``; *expected* says what would have been right.
    """

    file: str
    key: str
    expected: str
    got: str = ""

    def __str__(self) -> str:
        """One line: file, key, what was expected, what stood there."""
        place = f"{self.file}: {self.key}" if self.key else self.file
        return f"{place}: {self.expected}" + (f", not {self.got}" if self.got else "")


class ConfigurationError(Exception):
    """Configuration or policy cannot be used; *mistakes* holds every one found."""

    def __init__(self, mistakes: tuple[Mistake, ...] | list[Mistake]) -> None:
        """Keep the mistakes in the order they were found."""
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class StoreUnavailable(Exception):
    """A store cannot be read or written. What was asked of it did not happen."""
