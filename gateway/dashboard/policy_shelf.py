"""The policy files as the operator edits them: read, tried, put in force, and every version that was.

A version is the whole text, kept under its SHA-256 in the folder of its site,
with one line in ``versions.jsonl`` for each time it was put in force. What was
written by hand in an editor is kept as soon as the pages see it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import tomlkit
from tomlkit.exceptions import TOMLKitError

from gateway.clock import Clock
from gateway.policy.lines import line_of
from gateway.policy.reading import LARGEST_FILE_BYTES, read_policy_text
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Policy
from gateway.policy.words import SITE_ID
from gateway.problems import ConfigurationError, Mistake

#: How a version came to be in force, as it is shown.
BY_PAGE: Final = "this page"
BY_FILE: Final = "the file"
BY_GRID: Final = "the consent page"
#: Whoever is signed in, where accounts have no names.
OPERATOR: Final = "operator"
_LINES: Final = "versions.jsonl"
_DIGEST_LENGTH: Final = 64
#: The folder of texts that were tried, and how many of them are kept.
_DRAFTS: Final = "drafts"
_MOST_DRAFTS: Final = 20


@dataclass(frozen=True, slots=True)
class Version:
    """One time that a text was put in force: when (seconds), how, its SHA-256 in hex, by whom ("" is not known).

    *words* are what that person read and said yes to, a sentence each.
    """

    at: int
    by: str
    sha256: str
    who: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """What reading a text came to: the policy, or every mistake with the line to mend (0 where none can be named)."""

    policy: Policy | None
    mistakes: tuple[tuple[int, Mistake], ...] = ()


class PolicyFiles:
    """The files behind a shelf, and the folder of what they were."""

    def __init__(self, shelf: Callable[[], PolicyShelf], folder: Path, clock: Clock) -> None:
        """Edit the files behind the shelf that *shelf* gives; keep versions in *folder*, made when it is needed."""
        self._shelf, self._folder, self._clock = shelf, folder, clock

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those in force."""
        return self._shelf().policies

    def of_site(self, site: str) -> Policy | None:
        """The policy in force of *site*, or None."""
        return self._shelf().of_site(site)

    def file(self, policy: Policy) -> Path | None:
        """The file that *policy* was read from, or None where it is not from a file."""
        file = Path(policy.file)
        return file if file.is_file() else None

    def text(self, policy: Policy) -> str:
        """What its file says. Raises `ConfigurationError` where it cannot be read."""
        file = self.file(policy)
        if file is None:
            return ""
        try:
            return file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError([Mistake(str(file), "", f"cannot be read: {error}")]) from None

    def tried(self, policy: Policy, text: str) -> Tried:
        """Read *text* as if it stood in the file of *policy*; its hosts and id may not be another site's."""
        if len(text.encode()) > LARGEST_FILE_BYTES:
            return Tried(None, ((0, Mistake(policy.file, "", "is larger than a policy may be")),))
        try:
            found = read_policy_text(text, policy.file)
        except ConfigurationError as error:
            return Tried(None, tuple((line_of(text, each.key), each) for each in error.mistakes))
        others = [each for each in self._shelf().policies if each.site.id != policy.site.id]
        mistakes = []
        if found.site.id != policy.site.id:
            mistakes.append(Mistake(policy.file, "site.id", f'must stay "{policy.site.id}": records name it'))
        for other in others:
            mistakes += [
                Mistake(
                    policy.file, "site.hosts", f'the host "{host}" is of the site {other.site.id} already'
                )
                for host in found.site.hosts
                if host in other.site.hosts
            ]
        if mistakes:
            return Tried(None, tuple((line_of(text, each.key), each) for each in mistakes))
        return Tried(found)

    def activate(
        self,
        policy: Policy,
        text: str,
        base: str,
        *,
        by: str = BY_PAGE,
        who: str = OPERATOR,
        words: tuple[str, ...] = (),
    ) -> bool:
        """Put *text*, which was tried, in place of the file; running gateways take it up within seconds.

        False, and nothing is done, where the file is no longer the one whose
        SHA-256 is *base*: somebody else changed it. The file keeps its mode. The version tells
        *who* said yes to which *words*, on the page *by*.
        """
        file = self.file(policy)
        assert file is not None, "a policy without a file is not edited"
        with self._held(policy.site.id):
            if digest_of(self.text(policy)) != base:
                return False
            self._see(policy, BY_FILE)
            beside = file.with_name(f".{file.name}.new")
            beside.touch(mode=0o600)
            beside.chmod(file.stat().st_mode & 0o777)
            beside.write_text(text, encoding="utf-8")
            # Noted first: whoever takes the file up finds who put it there.
            self._note(policy.site.id, text, by, who, words)
            beside.replace(file)
        return True

    def versions(self, policy: Policy) -> tuple[Version, ...]:
        """Every version that was in force and seen, newest first; the present text is one of them."""
        if self.file(policy) is None:
            return ()
        with self._held(policy.site.id):
            self._see(policy, BY_FILE)
            return tuple(reversed(self._lines(policy.site.id)))

    def version(self, site: str, sha256: str) -> str | None:
        """The text of a version, or None where there is none of that digest."""
        if not _is_digest(sha256):
            return None
        file = self._of(site) / f"{sha256}.toml"
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def keep_draft(self, policy: Policy, text: str) -> str:
        """Keep *text*, which was tried, for as long as it is one of the last drafts; gives its SHA-256 in hex."""
        digest, folder = digest_of(text), self._of(policy.site.id) / _DRAFTS
        with self._held(policy.site.id):
            folder.mkdir(mode=0o700, exist_ok=True)
            kept = folder / f"{digest}.toml"
            kept.touch(mode=0o600)
            kept.write_text(text, encoding="utf-8")
            for old in sorted(folder.glob("*.toml"), key=lambda each: each.stat().st_mtime_ns)[
                :-_MOST_DRAFTS
            ]:
                old.unlink(missing_ok=True)
        return digest

    def draft(self, site: str, sha256: str) -> str | None:
        """The text of a draft that is kept, or of a version; None where there is none of that digest."""
        found = self.version(site, sha256)
        if found is not None or not _is_digest(sha256):
            return found
        file = self._of(site) / _DRAFTS / f"{sha256}.toml"
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def _see(self, policy: Policy, by: str) -> None:
        text = self.text(policy)
        lines = self._lines(policy.site.id)
        if not lines or lines[-1].sha256 != digest_of(text):
            self._note(policy.site.id, text, by)

    def _note(self, site: str, text: str, by: str, who: str = "", words: tuple[str, ...] = ()) -> None:
        folder, digest = self._of(site), digest_of(text)
        kept = folder / f"{digest}.toml"
        if not kept.exists():
            beside = folder / f".{digest}.new"
            beside.touch(mode=0o600)
            beside.write_text(text, encoding="utf-8")
            beside.replace(kept)
        line: dict[str, object] = {"at": self._clock.now_us() // 1_000_000, "by": by, "sha256": digest}
        if who or words:
            line |= {"who": who, "words": list(words)}
        lines = folder / _LINES
        lines.touch(mode=0o600)
        with lines.open("ab") as opened:
            opened.write(orjson.dumps(line) + b"\n")

    def _lines(self, site: str) -> list[Version]:
        try:
            lines = (self._of(site) / _LINES).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            # A line that was cut off by a crash tells of nothing that was put in force.
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
                read = orjson.loads(line)
                words = tuple(str(each) for each in read.get("words", ()))
                found.append(
                    Version(
                        int(read["at"]), str(read["by"]), str(read["sha256"]), str(read.get("who", "")), words
                    )
                )
        return found

    def _of(self, site: str) -> Path:
        assert SITE_ID.fullmatch(site), "a site's id is a short name"
        return self._folder / site

    @contextlib.contextmanager
    def _held(self, site: str) -> Iterator[None]:
        """Nobody else writes versions of *site* meanwhile."""
        folder = self._of(site)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_digest(text: str) -> bool:
    return len(text) == _DIGEST_LENGTH and text.isascii() and text.isalnum()


def digest_of(text: str) -> str:
    """The SHA-256 of *text* in hex: what a form names the version by that it was made from."""
    return hashlib.sha256(text.encode()).hexdigest()


def with_mode(text: str, mode: str) -> str:
    """The policy file *text* with another mode, every comment kept; "" where that cannot be written."""
    if not text:
        return ""
    try:
        document = tomlkit.parse(text)
    except TOMLKitError:
        return ""
    site = document.get("site")
    if not isinstance(site, MutableMapping):
        return ""
    site["mode"] = mode
    return tomlkit.dumps(document)
