"""What a service manager is told of this process (sd_notify(3), systemd 252): one datagram, or nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


def told(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell *state*, such as ``READY=1``, to whoever manages this process; False where nobody asked to hear it.

    A manager that does not listen is no reason to fail.
    """
    place = environ.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        try:
            line.sendto(state.encode(), "\0" + place[1:] if place.startswith("@") else place)
        except OSError:
            return False
    return True
