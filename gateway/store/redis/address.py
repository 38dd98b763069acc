"""Where Redis is, as a setting says it. Pure.

``redis://HOST:PORT/DATABASE`` (several ``HOST:PORT`` with commas between them for a
cluster), the same with ``rediss`` for TLS, or ``unix:///PATH?db=DATABASE``. A user's
name may stand before the host; a password may not: it would be in every log of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

#: A setting that has licet start a server of its own.
EMBEDDED: Final = "embedded"
_PORT: Final = 6379
_URL: Final = re.compile(r"(rediss?)://(?:([^@/?#]*)@)?([^@/?#]+)(?:/([0-9]{1,4})?)?", re.ASCII)
_SOCKET: Final = re.compile(r"unix://(?:([^@/?#]*)@)?(/[^?#]+)(?:\?db=([0-9]{1,4}))?", re.ASCII)
_NODE: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_PASSWORD: Final = "holds a password: it belongs into redis_password_file, or into LICET_STORE_REDIS_PASSWORD"  # noqa: S105


@dataclass(frozen=True, slots=True)
class RedisAt:
    """A server, a cluster by some of its *nodes*, or a socket at *path*."""

    nodes: tuple[tuple[str, int], ...] = ()
    path: str = ""
    tls: bool = False
    database: int = 0
    user: str = ""

    def __str__(self) -> str:
        """How it is called in a log."""
        return self.path or ",".join(f"{host}:{port}" for host, port in self.nodes)


def read_address(text: str) -> RedisAt:
    """Read *text*; raises `ValueError` with a sentence that does not quote it."""
    if found := _SOCKET.fullmatch(text):
        return RedisAt(path=unquote(found[2]), database=int(found[3] or 0), user=_user(found[1]))
    found = _URL.fullmatch(text)
    if found is None:
        raise ValueError(
            "is redis://HOST:PORT/DATABASE, rediss://HOST:PORT/DATABASE, unix:///PATH?db=DATABASE or embedded"
        )
    user = _user(found[2])
    nodes = tuple(_node(each) for each in found[3].split(","))
    return RedisAt(nodes, tls=found[1] == "rediss", database=int(found[4] or 0), user=user)


def _user(text: str | None) -> str:
    if text and ":" in text:
        raise ValueError(_PASSWORD)
    return unquote(text or "")


def _node(text: str) -> tuple[str, int]:
    found = _NODE.fullmatch(text)
    port = int(found[2] or _PORT) if found else 0
    if found is None or not 1 <= port <= 65_535:
        raise ValueError("names no host, or a port that is none")
    return found[1].strip("[]"), port
