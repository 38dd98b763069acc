"""A contract as a page for people. Pure; made of the document and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from gateway.desk.license_page import moment
from gateway.paper import pairs


def contract_page(document: Mapping[str, Any], digest: str) -> str:
    """The body of the page of *document*, whose hash is *digest*; its heading is the page's title."""
    clauses = "".join(
        f"<h2>{each['number']}. {escape(each['title'])}</h2>\n"
        + "".join(f"<p>{escape(text)}</p>\n" for text in each["text"])
        for each in document["sections"]
    )
    return "".join(
        (
            f'<p class="quiet"><strong>{escape(document["notice"])}</strong></p>\n',
            f"<p>{escape(document['id'])}, version {document['version']}, of {escape(document['site'])}.</p>\n",
            pairs("What was agreed in short", document["facts"]),
            clauses,
            "<h2>How it was agreed</h2>\n",
            evidence_table(document),
            f'<p class="quiet">Hash of this document (RFC 8785, SHA-256): <code>{escape(digest)}</code></p>\n',
        )
    )


def evidence_table(document: Mapping[str, Any]) -> str:
    """How it was accepted, or that it was not."""
    found = document["evidence"]
    if found is None:
        return "<p>Nobody has accepted these terms; they bind nobody.</p>\n"
    return pairs("How it was agreed", evidence_rows(found))


def evidence_rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The evidence of acceptance, as labels and values."""
    return [
        ("Accepted by", found["by"]),
        ("At", moment(found["at"])),
        ("Proven by", found["key"]),
        ("From", found["address"]),
        ("In these words", found["assent"]),
        ("Transcript", found["transcript"]),
    ]
