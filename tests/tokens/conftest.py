from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def golden(root: Path) -> ModuleType:
    """The script that writes the golden vectors: fixed keys, claims and forgeries."""
    spec = importlib.util.spec_from_file_location(
        "golden_vectors", root / "tests" / "vectors" / "generate.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
