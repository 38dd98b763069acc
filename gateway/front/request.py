"""One request between the connection that read it and whoever answers it."""

from __future__ import annotations

from gateway.front.header_block import HeaderBlock
from gateway.front.request_body import RequestBody
from gateway.problems import Refusal


class Request:
    """One request whose head is whole. *unreadable* is set instead where there was none to read.

    *block* holds its header fields. *upgrade*: the client asks for another protocol.
    *begun*: some of its answer was written.
    """

    __slots__ = (
        "begun", "block", "body", "keep_alive", "method", "target", "unreadable", "upgrade", "version",
    )  # fmt: skip

    def __init__(self, method: str, target: str, version: tuple[int, int], block: HeaderBlock) -> None:
        """Hold the head; a body comes later."""
        self.method = method
        self.target = target
        self.version = version
        self.block = block
        self.body: RequestBody | None = None
        self.keep_alive = True
        self.upgrade = False
        self.begun = False
        self.unreadable: Refusal | None = None

    @property
    def unread(self) -> bool:
        """Whether some of its body is still to come or to be read."""
        return self.body is not None and not self.body.is_eof
