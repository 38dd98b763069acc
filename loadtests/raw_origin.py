"""An origin that costs next to nothing: echoes WebSocket frames, makes bodies of any size, swallows uploads.

    python -m loadtests.raw_origin --port 8000

``GET /bytes/N`` answers N octets that were never on a disk, ``POST`` or ``PUT``
anything answers 200 with the number of octets that came, an upgrade to
WebSocket is echoed, any other GET answers a page of 2 KB. Understands no more
HTTP than our own load speaks.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import re

from gateway.app.boot import run_loop

PAGE = (b"<p>tides</p>" * 200)[:2048]
_PIECE = bytes(1 << 18)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class RawOrigin(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        """Wait for a request."""
        self._got = bytearray()
        self._uploading = self._uploaded = self._left = 0
        self._tunnel = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what came as frames, as an upload or as requests."""
        if self._uploading:
            data = self._upload(data)
        self._got += data
        while self._got and not self._uploading:
            if not (self._frame() if self._tunnel else self._request()):
                return

    def _request(self) -> bool:
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._got[: end + 2])
        del self._got[: end + 4]
        key = re.search(rb"(?i)\nsec-websocket-key: *(\S+)", head)
        wanted = re.match(rb"GET /bytes/(\d+)", head)
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        if key:
            accept = base64.b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest())
            self._tunnel = True
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        elif wanted:
            self._left = int(wanted[1])
            self._answer(self._left)
            self.resume_writing()
        elif length:
            self._uploading, self._uploaded = int(length[1]), 0
            if not self._uploading:
                self._uploaded_all()
            rest, self._got = bytes(self._got), bytearray()
            self._got += self._upload(rest)
        else:
            self._answer(len(PAGE), PAGE)
        return True

    def _answer(self, length: int, body: bytes = b"") -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n"
        self._transport.write(head.encode() + body)

    def _upload(self, data: bytes) -> bytes:
        """Swallow *data* as far as it belongs to the upload; returns the rest."""
        taken = min(len(data), self._uploading)
        self._uploading -= taken
        self._uploaded += taken
        if taken and not self._uploading:
            self._uploaded_all()
        return data[taken:]

    def _uploaded_all(self) -> None:
        body = str(self._uploaded).encode()
        self._answer(len(body), body)

    def _frame(self) -> bool:
        """Echo one frame of less than 126 octets (RFC 6455, section 5.2)."""
        got = self._got
        if len(got) < 2 or len(got) < (whole := 6 + (got[1] & 0x7F)):
            return False
        payload = bytes(got[6:whole])
        mask = (bytes(got[2:6]) * (len(payload) // 4 + 1))[: len(payload)]
        clear = (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(len(payload))
        opcode = got[0] & 0x0F
        del got[:whole]
        self._transport.write(bytes((0x80 | (10 if opcode == 9 else opcode), len(clear))) + clear)
        if opcode == 8:
            self._transport.close()
        return True

    def resume_writing(self) -> None:
        """Go on with a body that is being made, as far as the buffer takes it."""
        self._paused = False
        while self._left and not self._paused:
            piece = _PIECE[: self._left]
            self._left -= len(piece)
            self._transport.write(piece)

    def pause_writing(self) -> None:
        """Stop making more until the buffer has gone."""
        self._paused = True


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(RawOrigin, "127.0.0.1", port, backlog=8192)
    await server.serve_forever()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000)
    run_loop(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
