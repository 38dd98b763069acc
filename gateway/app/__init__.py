"""The assembly: plugs stores into ports and rooms into the gate, and says which part runs in which process.

============ =============================================== =====================
part         owns                                            runs in
============ =============================================== =====================
`front`      catalog, networks, till, gate, listener         every worker
`office`     keys, database, keeper, desk, dashboard, timers one office process
`supervisor` the listening sockets, the processes' lives     the command
============ =============================================== =====================

`licet.Licet` is front and office in one process and one loop, for the demo and
for tests. `licet serve` starts a `supervisor`, which starts one process of
`office_room` and as many of `worker` as it was told; a `zygote` is what they
are forked from, `boot` how they come to life, `channel` how they speak,
`office_line` the worker's side of the office's ports.

Does not own: any rule. Nothing here decides about rights or money.

Invariants: one data folder, one lock, one office; only the office opens the
database and the private keys; a worker serves people without the office, and
refuses licensed fetches within a second of losing it; every worker writes a
journal file of its own, and what it acknowledged survives it.

What is heavy is imported once, by the zygote, and shared by all that are forked
from it; what few gateways use is imported where it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.app.folder import Addresses, FolderLock, running

if TYPE_CHECKING:
    from gateway.app.licet import Licet

__all__ = ["Addresses", "FolderLock", "Licet", "running"]


def __getattr__(name: str) -> object:
    """Import `Licet` when it is asked for: it brings every room with it."""
    if name == "Licet":
        from gateway.app.licet import Licet

        return Licet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
