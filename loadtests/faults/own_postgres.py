"""The tests' private PostgreSQL (`tests/postgres_cluster.py`), for programs that are no tests: `tests` is no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, Final

_TESTS: Final = Path(__file__).resolve().parents[2] / "tests"


def loaded(module: str) -> Any:
    """A module that lies beside the tests."""
    name = f"licet_tests_{module}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _TESTS / f"{module}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


clusters: Final[Any] = loaded("postgres_cluster")
