"""Telling people by e-mail: the port `Mail`, and endpoints that stand for people.

One endpoint stands for the operator, one for all licensees; `courier` tells them
as it tells any other. A letter's Message-ID is made of the event's id, so that
one which is sent again after a crash is the same one to a mail program. An
address that is refused for good is passed over; an address that is refused again
and again too, so that nobody's mailbox holds up another's.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Protocol

from gateway.outbox.courier import Outcome, Said
from gateway.outbox.endpoints import Endpoint
from gateway.outbox.events import Happening
from gateway.outbox.letters import Letter, Reader, letter_of

_MAILBOX: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII
)
#: Attempts after which a mailbox that is refused for the time being is passed over.
_PATIENCE: Final = 6
#: Seconds that a mail server may take for each step.
_SECONDS: Final = 20.0


def is_mailbox(text: str) -> bool:
    """Whether *text* is one plain address (RFC 5321, section 4.1.2), without a name or quotes.

    >>> is_mailbox("ada@journal.example"), is_mailbox("Ada <ada@journal.example>")
    (True, False)
    """
    return len(text) <= 254 and _MAILBOX.fullmatch(text) is not None


class Mail(Protocol):
    """Sends one letter."""

    async def send(self, letter: Letter, to: str, id: str, at: int) -> Outcome:
        """Send *letter* to the mailbox *to*; *id* is the same whenever it is sent again. Raises nothing.

        ``Outcome.status`` is the reply code of SMTP (RFC 5321, section 4.2), 0 for none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server. *security* is ``starttls``, ``tls`` or ``none``; the repr hides the password."""

    host: str
    port: int
    security: str
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)
    authorities: Path | None = None


class SmtpMail:
    """`Mail` by SMTP (aiosmtplib, the extra ``email``). The server's certificate is always verified."""

    def __init__(self, server: Server) -> None:
        """Send by *server*; raises `ModuleNotFoundError` without the extra, `OSError` or `ssl.SSLError` for authorities."""
        import aiosmtplib

        self._smtp, self._server = aiosmtplib, server
        self._tls = ssl.create_default_context()
        if server.authorities is not None:
            self._tls.load_verify_locations(server.authorities)

    async def send(self, letter: Letter, to: str, id: str, at: int) -> Outcome:
        """Send it; see `Mail`. What the server says beside its code is told to nobody."""
        smtp, server = self._smtp, self._server
        try:
            await smtp.send(
                _message(letter, server.sender, to, id, at),
                hostname=server.host,
                port=server.port,
                username=server.username or None,
                password=server.password or None,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=None if server.security == "none" else self._tls,
                timeout=_SECONDS,
            )
        except smtp.SMTPRecipientsRefused as error:
            code = error.recipients[0].code if error.recipients else 0
            return Outcome(Said.NEVER if code >= 500 else Said.LATER, code, "the mailbox was refused")
        except smtp.SMTPDataError as error:
            said = Said.NEVER if error.code >= 500 else Said.LATER
            return Outcome(said, error.code, "the letter was refused")
        except smtp.SMTPResponseException as error:
            return Outcome(Said.LATER, error.code, f"the mail server refused: {type(error).__name__}")
        except (smtp.SMTPException, OSError, TimeoutError) as error:
            return Outcome(Said.LATER, why=f"the mail server was not reached: {type(error).__name__}")
        return Outcome(Said.TOLD, 250)


class Letters:
    """A transport for endpoints that stand for people."""

    def __init__(
        self,
        mail: Mail,
        operator: str,
        contact: Callable[[str], Awaitable[str]],
        origins: Callable[[], Mapping[str, str]],
    ) -> None:
        """Send by *mail*.

        *contact* gives the address of a licensee, "" for none to write to;
        *origins* the public origin of each site that has one.
        """
        self._mail, self._operator, self._contact, self._origins = mail, operator, contact, origins

    async def tell(self, endpoint: Endpoint, happening: Happening) -> Outcome:
        """Write about it to whom *endpoint* stands for."""
        told, reader = happening.event, Reader(endpoint.url)
        operator = reader is Reader.OPERATOR
        to = self._operator if operator else await self._contact(told.licensee) if told.licensee else ""
        if not is_mailbox(to):
            return Outcome(Said.NEVER, why="there is no address to write to")
        origin, path = self._origins().get(told.site, ""), told.body.get("path")
        url = f"{origin}{path}" if origin and isinstance(path, str) and not operator else ""
        letter = letter_of(told, reader, url)
        if letter is None:
            return Outcome(Said.NEVER, why="nobody is written to about this")
        outcome = await self._mail.send(letter, to, told.id, told.at)
        one_mailbox = outcome.status >= 400 and "mailbox" in outcome.why
        if outcome.said is Said.LATER and one_mailbox and endpoint.tries >= _PATIENCE:
            return Outcome(Said.NEVER, outcome.status, outcome.why)
        return outcome


def _message(letter: Letter, sender: str, to: str, id: str, at: int) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, letter.subject
    made["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    made["Message-ID"] = f"<{id}@{sender.rpartition('@')[2]}>"
    # RFC 3834, section 5: nobody's holiday notice answers it.
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text)
    return made
