from __future__ import annotations

from datetime import date

import pytest

from gateway.dashboard.figure_shelf import FigureShelf, read_file
from gateway.licenses.value_memo import About, Figure, Figures
from gateway.problems import ConfigurationError

ONE = Figures((Figure(About.VIEWS, "views a month", "40,000", "our analytics", date(2026, 10, 31)),))


def test_what_is_kept_is_read_again_and_is_private(tmp_path):
    shelf = FigureShelf(tmp_path / "figures")
    assert shelf.read("journal") == Figures()
    shelf.keep("journal", ONE)
    assert FigureShelf(tmp_path / "figures").read("journal") == ONE
    assert shelf.read("other") == Figures()
    assert shelf.file("journal").stat().st_mode & 0o077 == 0
    shelf.keep("journal", Figures())
    assert shelf.read("journal") == Figures()
    assert [each.name for each in (tmp_path / "figures").iterdir()] == ["journal.toml"]


@pytest.mark.parametrize("site", ["../journal", "", "a/b", "..", ".hidden", "a\0"])
def test_no_id_leaves_the_folder(tmp_path, site):
    with pytest.raises(AssertionError):
        FigureShelf(tmp_path).read(site)


@pytest.mark.parametrize(
    ("octets", "says"),
    [(b"\xff\xfe", "UTF-8"), (b"#" * 100_000, "64 kB"), (b"[[figures]]\n", "is missing")],
)
def test_a_file_that_is_none_says_why(tmp_path, octets, says):
    file = tmp_path / "journal.toml"
    file.write_bytes(octets)
    with pytest.raises(ConfigurationError) as caught:
        FigureShelf(tmp_path).read("journal")
    assert says in str(caught.value.mistakes[0])
    with pytest.raises(ConfigurationError):
        read_file(tmp_path)
