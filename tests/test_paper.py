from __future__ import annotations

import hashlib
import re
from base64 import b64encode

import pytest

from gateway.paper import COLORS, CONTENT_SECURITY, STYLE, pairs, reached, sheet, table


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in CONTENT_SECURITY
    assert CONTENT_SECURITY.startswith("default-src 'none';")
    assert "unsafe" not in CONTENT_SECURITY


def test_the_style_cannot_leave_its_element_and_loads_nothing() -> None:
    assert "<" not in STYLE
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", COLORS)
@pytest.mark.parametrize("name", ["ink", "quiet", "link"])
def test_text_stands_out_from_its_paper(scheme: str, name: str) -> None:
    dark, light = sorted(luminance(COLORS[scheme][each]) for each in ("paper", name))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_every_color_is_one_of_those_measured() -> None:
    used = set(re.findall(r"#[0-9a-f]{3,8}\b", STYLE))
    assert used == {color for scheme in COLORS.values() for color in scheme.values()}


def test_titles_and_cells_are_text() -> None:
    page = sheet("<b>&", table("<i>", ["<u>"], [["<script>", "\"'"]]) + pairs("<i>", [("<u>", "<script>")]))
    assert re.findall(r"<(?:b|i|u|script)>", page) == []
    assert page.count("&lt;b&gt;&amp;") == 2


def test_a_card_names_every_value_and_stays_a_table_for_whoever_hears_it() -> None:
    plain = table("Offers", ["Offer", "Price"], [["answers", "0.004 USD"]])
    assert "data-name" not in plain and 'role="table"' not in plain
    cards = table("Offers", ["Offer", '<"Price">'], [["answers", "0.004 USD"]], cards=True)
    assert '<td role="cell" data-name="&lt;&quot;Price&quot;&gt;">0.004 USD</td>' in cards
    for role in ("table", "rowgroup", "row", "columnheader", "rowheader"):
        assert f'role="{role}"' in cards


@pytest.mark.parametrize(
    ("contact", "html"),
    [
        (
            "licensing@journal.example",
            '<a href="mailto:licensing@journal.example">licensing@journal.example</a>',
        ),
        (
            "https://journal.example/?a&b",
            '<a href="https://journal.example/?a&amp;b">https://journal.example/?a&amp;b</a>',
        ),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("a@b.example?bcc=c@d.example", "a@b.example?bcc=c@d.example"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_a_contact_is_a_link_where_it_is_an_address_and_nothing_else(contact: str, html: str) -> None:
    assert reached(contact) == html
