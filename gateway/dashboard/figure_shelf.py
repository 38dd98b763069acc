"""Where the creator's figures are kept: one TOML file a site, which an editor may change too."""

from __future__ import annotations

from pathlib import Path

from gateway.licenses.value_memo import Figures
from gateway.policy.figures import LARGEST_FILE, read_figures, write_figures
from gateway.policy.words import SITE_ID
from gateway.problems import ConfigurationError, Mistake


class FigureShelf:
    """The files of one folder, which is made when there is something to keep."""

    def __init__(self, folder: Path) -> None:
        """Keep figures in *folder*."""
        self._folder = folder

    def file(self, site: str) -> Path:
        """Where those of *site* are, or would be. An id that could leave the folder is none."""
        assert SITE_ID.fullmatch(site), "a site's id is a short name"
        return self._folder / f"{site}.toml"

    def read(self, site: str) -> Figures:
        """The figures of *site*; none where there is no file. Raises `ConfigurationError` with every mistake."""
        file = self.file(site)
        return read_file(file) if file.exists() else Figures()

    def keep(self, site: str, entered: Figures) -> None:
        """Put *entered* in place of what is kept of *site*, as a whole; its owner alone can read it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.file(site)
        beside = file.with_name(f".{file.name}.new")
        beside.touch(mode=0o600)
        beside.write_text(write_figures(entered), encoding="utf-8")
        beside.replace(file)


def read_file(file: Path) -> Figures:
    """The figures of any *file*. Raises `ConfigurationError` with every mistake."""
    try:
        with file.open("rb") as opened:
            octets = opened.read(LARGEST_FILE + 1)
        text = octets.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            [Mistake(str(file), "", f"cannot be read: {error.strerror or error}")]
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError([Mistake(str(file), "", "is not a text file; save it as UTF-8")]) from None
    return read_figures(text, str(file))
