"""Archives of small files: the same octets for the same content, and zips of strangers that surprise nobody."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.provenance import archive
from gateway.provenance.archive import ArchiveRefused, ArchiveWriter, file_part, open_archive

FILES = {"a.txt": b"one", "b/c.json": b"{}" * 500, "b/d": b""}


def written(files=FILES):
    out = io.BytesIO()
    with ArchiveWriter(out) as writer:
        for name, octets in files.items():
            writer.add(name, octets)
    return out.getvalue()


def zipped(*entries):
    """A zip of (name, octets) as a stranger makes it; a name may be a whole `ZipInfo`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, octets in entries:
            made.writestr(name, octets)
    return out.getvalue()


@pytest.fixture
def kept(tmp_path):
    def put(octets):
        path = tmp_path / "x.zip"
        path.write_bytes(octets)
        return path

    return put


def test_what_is_written_is_read_and_always_the_same(kept):
    assert written() == written()
    with open_archive(kept(written())) as found:
        assert (list(found), found.faults, len(found)) == (["a.txt", "b/c.json", "b/d"], [], 3)
        assert {name: found.read(name) for name in found} == FILES
        with pytest.raises(ArchiveRefused, match="missing"):
            found.read("e")


def _linked():
    entry = zipfile.ZipInfo("link")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


HOSTILE = {
    "../up": ("../up", "no name for a file"),
    "/etc/passwd": ("/etc/passwd", "no name for a file"),
    "a/../b": ("a/../b", "no name for a file"),
    "back\\slash": ("back\\slash", "no name for a file"),
    "C:drive": ("C:drive", "no name for a file"),
    "folder/": ("folder/", "no name for a file"),
    ".hidden": (".hidden", "no name for a file"),
    "long": ("n" * 201, "no name for a file"),
    "escape": ("a\x1b[2J", "no name for a file"),
    "a link": (_linked(), "no plain file"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_that_the_writer_would_not_have_made_is_named_and_not_read(kept, what):
    name, why = HOSTILE[what]
    with open_archive(kept(zipped(("good", b"1"), (name, b"2")))) as found:
        assert list(found) == ["good"]
        (fault,) = found.faults
        assert why in fault
        assert fault.isprintable()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a", "A"])
def test_two_files_of_one_name_are_neither_read(kept, second):
    with open_archive(kept(zipped(("a", b"1"), (second, b"2"), ("b", b"3")))) as found:
        assert list(found) == ["b"]
        assert found.faults == [f"{second}: it stands there more than once"]


def test_what_unpacks_to_too_much_is_not_unpacked(kept, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_FILE", 1000)
    monkeypatch.setattr(archive, "LARGEST_CONTENT", 1500)
    bomb = zipped(("bomb", bytes(1001)), ("a", bytes(1000)), ("b", bytes(501)), ("c", bytes(500)))
    with open_archive(kept(bomb)) as found:
        assert list(found) == ["a", "c"]
        assert found.faults == ["bomb: it has more than 1000 octets", "b: all files together are too large"]
    with pytest.raises(ArchiveRefused, match="too large"):
        written({"bomb": bytes(1001)})


def test_a_size_that_is_a_lie_is_found(kept):
    octets = bytearray(zipped(("a", bytes(5000))))
    at = octets.index(b"PK\1\2")
    octets[at + 24 : at + 28] = struct.pack("<L", 10)
    with open_archive(kept(bytes(octets))) as found, pytest.raises(ArchiveRefused):
        found.read("a")


def swallowing(whole):
    """*whole* with a comment on its first file that holds the entries of all the others."""
    begin = whole.index(b"PK\x01\x02") + 32
    return whole[:begin] + b"\xff" + whole[begin + 1 :]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (swallowing, "list as many files"),
        (lambda _: b"", "octets"),
        (lambda _: b"no zip at all, but long enough to be one", "does not end as a zip"),
        (lambda whole: whole[:-1], "does not end as a zip"),
        (lambda whole: whole + b"x", "does not end as a zip"),
        (lambda whole: b"x" + whole, "directory does not end"),
        (
            lambda whole: whole[:-14] + struct.pack("<HH", 65_001, 65_001) + whole[-10:],
            "more than 65000 files",
        ),
    ],
)
def test_what_is_no_zip_of_ours_is_refused(kept, change, why):
    path = kept(change(written()))
    with pytest.raises(ArchiveRefused, match=why):
        open_archive(path)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(written()) - 1), octet=st.integers(0, 255), cut=st.booleans())
def test_whatever_is_changed_or_cut_off_is_refused_or_read_as_it_was_written(
    tmp_path_factory, at, octet, cut
):
    octets = bytearray(written())
    octets[at] = octet
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    path.write_bytes(bytes(octets[:at] if cut else octets))
    try:
        with open_archive(path) as found:
            read, faults = [found.read(name) for name in found], len(found.faults)
    except ArchiveRefused:
        return
    assert not set(read) - set(FILES.values())
    assert sorted(read) == sorted(FILES.values()) or faults


def test_names_that_cannot_stand_in_a_zip_are_hashed():
    assert file_part("li_01a2") == "li_01a2"
    for odd in ("../x", "x402:0xAB", "", "n" * 65):
        assert len(file_part(odd)) == 32
    with pytest.raises(ValueError, match="no name"):
        written({"../x": b""})
