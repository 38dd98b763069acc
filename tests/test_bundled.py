from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gateway import bundled


def test_shipped_folders_are_found_in_a_checkout(root: Path) -> None:
    assert bundled.policies() == root / "policies"
    assert bundled.static("dashboard.css").is_file()


def test_every_shipped_toml_reads() -> None:
    files = sorted(bundled.policies().rglob("*.toml"))
    assert len(files) > 20
    for file in files:
        tomllib.loads(file.read_text(encoding="utf-8"))


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundled, "_PACKAGE", tmp_path / "gateway")
    with pytest.raises(FileNotFoundError, match="install it again"):
        bundled.policies()
