"""What the pages are given beside their HTML: small enough, as it was published where others wrote it, and named truly."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest

from gateway import bundled

MOST = 60 * 1024
VENDOR = bundled.static("vendor")
HASHES = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())


def test_everything_a_page_can_ask_for_is_small():
    files = [file for file in bundled.static().rglob("*") if file.is_file()]
    # Translations are read by the server, and no page names one; nor what is said about what others wrote.
    served = [
        file
        for file in files
        if "locale" not in file.parts and not (file.parent == VENDOR and file.suffix in {"", ".md", ".txt"})
    ]
    assert {file.suffix for file in served} == {".css", ".js", ".svg"}
    weight = sum(len(gzip.compress(file.read_bytes(), 9)) for file in served)
    assert weight <= MOST, f"{weight} bytes gzipped, of {MOST}"


def test_what_others_wrote_is_as_they_published_it_and_nothing_else_is_there():
    found = {file.name for file in VENDOR.iterdir()} - {"SHA256SUMS", "README.md"}
    assert found == HASHES.keys()
    for name, wanted in HASHES.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == wanted, name


@pytest.mark.parametrize(
    "template", sorted(bundled.static("..").resolve().glob("gateway/dashboard/templates/*.html"))
)
def test_what_a_page_names_is_there(template):
    for name in re.findall(r'(?:src|href)="/static/([^"{}]+)"', template.read_text()):
        assert bundled.static(name).is_file(), name
