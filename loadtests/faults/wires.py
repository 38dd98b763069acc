"""Machines as network namespaces: each with an interface on the public wire and one on the wire to the stores.

Only addresses of these namespaces are used, on bridges that nothing else is on;
everything goes with `Wires.close`. Needs root and `ip` (Debian: iproute2).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import Final

#: The two wires: the third octet of their addresses.
PUBLIC, STORES = 1, 2
_NET: Final = "10.203"


class NoWires(Exception):
    """Namespaces cannot be made here; the message says why."""


class Wires:
    """The namespaces *names*, in their order .1, .2, … on both wires."""

    def __init__(self, *names: str, attach: str = "") -> None:
        """Make them, or know those that were made under the prefix *attach*. Raises `NoWires`."""
        if os.geteuid() != 0:
            raise NoWires("making network namespaces needs root")
        if shutil.which("ip") is None:
            raise NoWires("there is no `ip` (Debian: apt install iproute2)")
        self.prefix, self._names = attach or f"licet{os.getpid() % 100_000}", names
        self._hub = f"{self.prefix}hub"
        if attach:
            return
        try:
            self._make()
        except subprocess.CalledProcessError as error:
            self.close()
            raise NoWires(f"network namespaces cannot be made: {error.stderr.decode().strip()}") from error

    def _make(self) -> None:
        _ip("netns", "add", self._hub)
        for wire in (PUBLIC, STORES):
            _ip("-n", self._hub, "link", "add", f"wire{wire}", "type", "bridge")
            _ip("-n", self._hub, "link", "set", f"wire{wire}", "up")
        for name in self._names:
            space = self.space(name)
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
            for wire in (PUBLIC, STORES):
                end = f"{name}{wire}"
                _ip(
                    "-n",
                    self._hub,
                    "link",
                    "add",
                    end,
                    "type",
                    "veth",
                    "peer",
                    "name",
                    f"eth{wire}",
                    "netns",
                    space,
                )
                _ip("-n", self._hub, "link", "set", end, "master", f"wire{wire}", "up")
                _ip("-n", space, "addr", "add", f"{self.at(name, wire)}/24", "dev", f"eth{wire}")
                _ip("-n", space, "link", "set", f"eth{wire}", "up")

    def space(self, name: str) -> str:
        """What the namespace is called."""
        return f"{self.prefix}{name}"

    def at(self, name: str, wire: int) -> str:
        """The address of *name* on a wire."""
        return f"{_NET}.{wire}.{self._names.index(name) + 1}"

    def inside(self, name: str) -> tuple[str, ...]:
        """What starts a command there."""
        return ("ip", "netns", "exec", self.space(name))

    def cut(self, name: str, wire: int) -> None:
        """Let nothing pass between *name* and a wire; nobody is told."""
        _ip("-n", self._hub, "link", "set", f"{name}{wire}", "nomaster")

    def heal(self, name: str, wire: int) -> None:
        """Let it pass again."""
        _ip("-n", self._hub, "link", "set", f"{name}{wire}", "master", f"wire{wire}", "up")

    def close(self) -> None:
        """Remove everything that was made. Twice is harmless."""
        for space in (*map(self.space, self._names), self._hub):
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "del", space)


def _ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True, capture_output=True)
