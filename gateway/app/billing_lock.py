"""One process at a time enters what bills and payouts enter: a lock on a file of the data folder.

What a document or a payout enters is looked for in the books before it is
written, so that the journal holds it once. Two processes that look at once would
both write it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

FILE: Final = "billing.lock"


@contextlib.asynccontextmanager
async def billing_lock(folder: Path) -> AsyncIterator[None]:
    """Hold the lock of the data folder *folder*; waits for whoever has it. It goes with a process that dies."""
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
