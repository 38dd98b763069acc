"""The tests' private Redis (`tests/redis_servers.py`), for programs that are no tests."""

from __future__ import annotations

from typing import Any, Final

from loadtests.faults.own_postgres import loaded

servers: Final[Any] = loaded("redis_servers")
