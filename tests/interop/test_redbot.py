"""REDbot finds in a page behind Licet what it finds in the page itself."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from loadtests.processes import free_port, running
from loadtests.targets import nginx

_SITE = """server {{ listen 127.0.0.1:{port}; root {root}; gzip on; gzip_types *; gzip_min_length 1; gzip_vary on;
  location /cached.html {{ expires 1h; }} location = /moved {{ return 301 /page.html; }} }}"""

#: Notes that may differ, as patterns, and why.
EXPLAINED: dict[str, str] = {
    "This response has already been cached for": "a second ended between the origin's Date and the look; "
    "what Licet could make of an age, the header field Age, is looked at by itself"
}


@pytest.fixture
def site(tmp_path: Path, needs) -> Iterator[str]:
    """A page as nginx serves it: with a date, validators, ranges and compression."""
    needs("nginx", "apt install nginx")
    tmp_path.chmod(0o755)
    root = tmp_path / "www"
    root.mkdir(mode=0o755)
    for name in ("page.html", "cached.html"):
        (root / name).write_text("<!doctype html><title>Tides</title>" + "<p>tides</p>" * 300)
    port = free_port()
    command = nginx(tmp_path, "site", "off", _SITE.format(port=port, root=root))
    with running(command, None, port, tmp_path / "site.log"):
        yield f"http://127.0.0.1:{port}"


def _notes(redbot: str, url: str) -> Counter[str]:
    """Every note, with what changes from one second to the next taken out."""
    done = subprocess.run([redbot, "-o", "text", url], capture_output=True, text=True, timeout=60, check=True)
    lines = [
        line.strip().removeprefix("* ") for line in done.stdout.splitlines() if line.lstrip().startswith("*")
    ]
    assert lines, done.stdout + done.stderr
    return Counter(re.sub(r"\d+ (seconds?|minutes?|hours?|days?)", "some time", line) for line in lines)


@pytest.mark.parametrize("path", ["/page.html", "/cached.html", "/moved", "/missing"])
def test_it_says_the_same_with_and_without(path, needs, site, licet) -> None:
    redbot = needs("redbot", "pip install redbot")
    front = licet(site)
    for each in (site, front):
        with httpx.Client() as http:
            fields = http.get(each + path).headers
            assert ("age" in fields, len(fields.get_list("date"))) == (False, 1), each
    bare, behind = _notes(redbot, site + path), _notes(redbot, front + path)
    differing = (bare - behind) + (behind - bare)
    unexplained = [note for note in differing if not any(re.search(each, note) for each in EXPLAINED)]
    assert not unexplained, f"without {bare - behind}, with {behind - bare}"
