"""Where the shipped `policies/` and `static/` are: in a checkout, or in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    for candidate in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"this installation of licet lacks its folder {name!r}; install it again")


def policies(*parts: str) -> Path:
    """Return the path of a shipped policy file or folder, such as ``("stances", "open.toml")``."""
    return _folder("policies").joinpath(*parts)


def static(*parts: str) -> Path:
    """Return the path of a shipped asset of the pages."""
    return _folder("static").joinpath(*parts)
