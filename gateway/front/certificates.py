"""The certificates this gateway shows: which name gets which, and how renewed files are taken up.

One context is handed to the listener; who connects is switched to the one of
the name that was asked for (SNI, RFC 6066, January 2011, section 3): an exact
name, then a wildcard of one label (RFC 9525, November 2023, section 6.3), then
the default. Where there is no default the handshake of another name fails. (The
event loop closes a failed handshake without sending its alert, so that a client
sees the connection end and not why.)

TLS 1.2 and 1.3 with forward secrecy and AEAD only (RFC 9325, November 2022), no
renegotiation, no compression. ALPN offers ``http/1.1`` alone: nobody speaks
HTTP/2 to this gateway.

A file that cannot be used leaves the last good certificate of its names in
use. Connections keep what they began with.
"""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.problems import ConfigurationError, Mistake

#: What ``tls.minimum`` may say.
VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: Days before its end in which a certificate is one to renew.
RENEW_DAYS: Final = 21
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK"
_DAY: Final = 86_400
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where one certificate and its key are.

    *setting* is their place in the settings, such as ``tls.hosts[0]``. *names*
    are those that get this certificate; the default has none.
    """

    setting: str
    certificate: Path | None
    key: Path | None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate that was read. *covers* are its names in lower case; the times are Unix seconds."""

    files: CertificateFiles
    covers: tuple[str, ...]
    begins: int
    ends: int
    context: ssl.SSLContext

    @property
    def title(self) -> str:
        """Its file, and whose names it holds for."""
        more = ", …" if len(self.covers) > 3 else ""
        return f"{self.files.certificate} ({', '.join(self.covers[:3])}{more})"

    def days(self, now: int) -> int:
        """How many whole days it holds from *now* on; negative once it has ended."""
        return (self.ends - now) // _DAY

    def warning(self, now: int) -> str:
        """Why a client would refuse it now, or ""."""
        if self.ends <= now:
            return f"{self.title} ended on {_date(self.ends)}; clients refuse it"
        if self.begins > now:
            return f"{self.title} begins to hold on {_date(self.begins)}; clients refuse it until then"
        return ""


class Certificates:
    """Every certificate, by the names it is shown for."""

    def __init__(self, settings: str, files: Sequence[CertificateFiles], *, minimum: str) -> None:
        """Read nothing yet; use `read`."""
        self._settings, self._files, self._minimum = settings, tuple(files), VERSIONS[minimum]
        self._held: dict[str, Certificate] = {}
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext | None = None
        self._stamp: tuple[tuple[int, ...], ...] = ()
        self.context = _context(self._minimum)
        self.context.sni_callback = self._asked

    @classmethod
    def read(cls, settings: str, files: Sequence[CertificateFiles], *, minimum: str = "1.2") -> Certificates:
        """Read all *files*; *settings* is the file that names them, *minimum* a key of `VERSIONS`.

        Raises:
            ConfigurationError: with every mistake: what is missing, unreadable or
                open to others, keys that do not fit, names that are given twice
                or that their certificate does not cover.
        """
        made = cls(settings, files, minimum=minimum)
        mistakes = [*made._twice(), *made.reload()]
        if mistakes:
            raise ConfigurationError(mistakes)
        return made

    @property
    def held(self) -> tuple[Certificate, ...]:
        """What is shown, the default first."""
        return tuple(self._held[each.setting] for each in self._files if each.setting in self._held)

    @property
    def changed(self) -> bool:
        """Whether a file differs from what was read last, good or not."""
        return self._stamp != self._stamped()

    def reload(self) -> tuple[Mistake, ...]:
        """Read every file again; what is wrong keeps its last good certificate and is returned."""
        self._stamp = self._stamped()  # before reading: a change meanwhile is still to be seen
        mistakes: list[Mistake] = []
        held = dict(self._held)
        for files in self._files:
            read = _Reading(self._settings, files, self._minimum)
            certificate = read.certificate()
            if certificate is None:
                mistakes += read.mistakes
            else:
                held[files.setting] = certificate
        self._held = held
        self._by_name = {name.lower(): each.context for each in held.values() for name in each.files.names}
        self._default = next((each.context for each in held.values() if not each.files.names), None)
        return tuple(mistakes)

    def covering(self, host: str) -> Certificate | None:
        """The certificate shown to who asks for *host*, if it covers that name."""
        context = self._for(host)
        return next(
            (each for each in self.held if each.context is context and _covers(each.covers, host)), None
        )

    def _for(self, name: str) -> ssl.SSLContext | None:
        name = name.lower()
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name.get("*." + name.partition(".")[2], self._default)
        return found

    def _asked(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext
    ) -> int | None:
        found = self._default if name is None else self._for(name)
        if found is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = found
        return None

    def _stamped(self) -> tuple[tuple[int, ...], ...]:
        return tuple(_stamp(path) for each in self._files for path in (each.certificate, each.key))

    def _twice(self) -> list[Mistake]:
        seen: dict[str, str] = {}
        mistakes = []
        for each in self._files:
            for at, name in enumerate(each.names):
                before = seen.setdefault(name.lower(), each.setting)
                if before != each.setting:
                    key = f"{each.setting}.names[{at}]"
                    mistakes.append(Mistake(self._settings, key, f"is given in {before} already", name))
        return mistakes


class _Reading:
    """One certificate being read, and what is wrong with it."""

    def __init__(self, settings: str, files: CertificateFiles, minimum: ssl.TLSVersion) -> None:
        self.mistakes: list[Mistake] = []
        self._settings, self._files, self._minimum = settings, files, minimum

    def certificate(self) -> Certificate | None:
        """The certificate, or None with `mistakes`."""
        files = self._files
        for part in ("certificate", "key"):
            if getattr(files, part) is None:
                self._wrong(part, "is needed: the path of a PEM file")
        leaf = self._leaf(files.certificate) if files.certificate else None
        public = self._public(files.key) if files.key else None
        covers = _names(leaf) if leaf is not None else ()
        for at, name in enumerate(files.names):
            if leaf is not None and not _covers(covers, name):
                self._wrong(f"names[{at}]", f"must be a name of {files.certificate}", name)
        if leaf is None or public is None or files.certificate is None or files.key is None:
            return None
        if _spki(leaf) != public:
            self._wrong("key", f"{files.key} is not the key of {files.certificate}")
        if self.mistakes:
            return None
        context = _context(self._minimum)
        try:
            context.load_cert_chain(files.certificate, files.key, password=_no_passphrase)
        except (OSError, ValueError) as error:
            self._wrong("certificate", f"{files.certificate} cannot be used: {_why(error)}")
            return None
        begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
        return Certificate(files, covers, int(begins.timestamp()), int(ends.timestamp()), context)

    def _leaf(self, path: Path) -> x509.Certificate | None:
        return self._parsed("certificate", path, lambda pem: x509.load_pem_x509_certificates(pem)[0])

    def _public(self, path: Path) -> bytes | None:
        public = self._parsed("key", path, _public_of)
        if public is not None:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o027:
                expected = f"{path} may be read by its owner and group alone (chmod 600 or 640)"
                self._wrong("key", expected, f"mode {mode:04o}")
        return public

    def _parsed(self, part: str, path: Path, parse: Callable[[bytes], _T]) -> _T | None:
        try:
            return parse(path.read_bytes())
        except OSError as error:
            self._wrong(part, f"{path} cannot be read: {_why(error)}")
        except TypeError:
            self._wrong(part, f"{path} must be without a passphrase")
        except (ValueError, UnsupportedAlgorithm):
            self._wrong(part, f"{path} is no {part} in PEM")
        return None

    def _wrong(self, part: str, expected: str, got: str = "") -> None:
        self.mistakes.append(Mistake(self._settings, f"{self._files.setting}.{part}", expected, got))


def _context(minimum: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def _public_of(pem: bytes) -> bytes:
    public = load_pem_private_key(pem, None).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki(leaf: x509.Certificate) -> bytes:
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _covers(covers: tuple[str, ...], name: str) -> bool:
    """Whether one of *covers* is *name*, or its wildcard."""
    name = name.lower()
    first, _, rest = name.partition(".")
    return name in covers or (first not in {"", "*"} and f"*.{rest}" in covers)


def _no_passphrase() -> str:
    """Never ask at a terminal."""
    raise ValueError("it has a passphrase")


def _stamp(path: Path | None) -> tuple[int, ...]:
    try:
        found = path.stat() if path else None
    except OSError:
        found = None
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size) if found else ()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
