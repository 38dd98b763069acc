"""The notice of a withdrawal as a page for people. Pure."""

from __future__ import annotations

from html import escape

from gateway.desk.license_page import moment
from gateway.licenses.withdrawal import PROMISE, Withdrawal
from gateway.paper import pairs
from gateway.uses import Use


def notice_page(withdrawal: Withdrawal, origin: str) -> str:
    """The body of the page of *withdrawal* for whoever meets it: no reason, no person, no licensee."""
    rows = [
        ("Withdrawal", withdrawal.id),
        ("For", ", ".join(sorted(withdrawal.uses))),
        ("Since", moment(withdrawal.since)),
    ]
    if withdrawal.readmitted_at:
        rows.append(("Readmitted", moment(withdrawal.readmitted_at)))
    at = f"{origin}/.licet/withdrawals/{withdrawal.id}"
    return "".join(
        (
            (
                f"<p>The owner of {escape(origin)} has taken back what this notice is about, for the uses below. "
                f"Other uses are judged as before{'' if Use.SEARCH in withdrawal.uses else '; a search engine goes on'}."
                "</p>\n"
            ),
            pairs("What was withdrawn", rows),
            "<h2>What a licensee does now</h2>\n",
            (
                "<ol><li>Stop fetching it for these uses, and stop training on copies of it.</li>"
                "<li>Acknowledge this notice.</li><li>Send a plan within the days that the license names: what is "
                "removed, what is mitigated in production, by when.</li><li>Attest that the plan was carried out.</li></ol>\n"
            ),
            "<p>With the credentials of your client, by machine:</p>\n<pre><code>",
            escape(
                f"curl -u CLIENT_ID:SECRET {at}\n"
                f"curl -u CLIENT_ID:SECRET -H 'Content-Type: application/json' -d '{{}}' {at}/acknowledgment\n"
                f"curl -u CLIENT_ID:SECRET -H 'Content-Type: application/json' "
                f'-d \'{{"plan": "…"}}\' {at}/plan'
            ),
            "</code></pre>\n<h2>What is promised, and what is not</h2>\n",
            f"<p>{escape(PROMISE)}</p>\n",
            "<p class='quiet'>A starting point that needs counsel; not legal advice.</p>\n",
        )
    )
