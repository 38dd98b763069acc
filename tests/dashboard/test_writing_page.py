from __future__ import annotations

from gateway.dashboard.writing_page import writing_page
from gateway.licenses.contract import NOTICE
from gateway.licenses.written import Section, Table, Writing

HOSTILE = "</pre></td><script>alert(1)</script>\"' \u202e"


def test_nothing_of_it_is_markup():
    table = Table(HOSTILE, (HOSTILE,), ((HOSTILE,),))
    page = writing_page(
        Writing(HOSTILE, HOSTILE, (Section(HOSTILE, (HOSTILE,), (table,), f"{HOSTILE}\nline"),))
    )
    assert "<script" not in page
    assert "\u202e" not in page
    assert page.count("&lt;script&gt;") == page.count("alert(1)")
    assert "&lt;/pre&gt;" in page


def test_it_is_a_page_with_the_notice_and_every_part():
    table = Table("Who", ("Name", "Times"), (("GPTBot", "7"),))
    page = writing_page(Writing("Memo", "lead", (Section("Crawlers", ("said",), (table,), "Dear A,\n\nB"),)))
    for part in ("<h1>Memo</h1>", NOTICE, "<p>lead</p>", "<h2>Crawlers</h2>", "<p>said</p>"):
        assert part in page
    assert '<th scope="row">GPTBot</th><td>7</td>' in page
    assert "<pre>Dear A,\n\nB</pre>" in page
    assert "<script" not in page
