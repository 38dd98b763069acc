"""A section on licensing: once, at the end, whatever the site's own file holds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.terms.llms_txt import merged, section, sections


def test_a_site_without_one_gets_a_whole_file(make):
    text = merged(None, make.published()).decode()
    assert text.startswith("# The Journal\n\n> Pages of The Journal.")
    assert "https://journal.example/license.xml" in text
    assert "grants nothing" in text
    assert merged(b" \n", make.published()).decode() == text


def test_the_site_s_own_text_stays(make):
    text = merged(b"# Mine\r\n\r\n## Docs\r\n- [a](/a)\r\n", make.published()).decode()
    assert text.startswith("# Mine\n\n## Docs\n- [a](/a)\n\n## Licensing\n")


def test_real_files_keep_their_text(make, shared_data):
    files = sorted((shared_data / "terms").glob("*llms.txt"))
    assert files
    for path in files:
        made = merged(path.read_bytes(), make.published()).decode()
        assert made.endswith(section(make.published()))
        assert path.read_text("utf-8").replace("\r\n", "\n").rstrip() in made


@given(st.text(), st.text())
def test_no_name_makes_a_heading_or_a_link(make, name, contact):
    terms = replace(make.published(), name=name, contact=contact)
    made = merged(None, terms)
    assert sections(made) == (section(terms),)
    assert made.decode().count("](http") == 3
