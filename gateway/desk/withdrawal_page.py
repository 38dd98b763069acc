"""The notice of a withdrawal as a page for people. Pure."""

from __future__ import annotations

from html import escape

from gateway.desk.license_page import moment
from gateway.languages import tr
from gateway.licenses.withdrawal import PROMISE, Withdrawal
from gateway.paper import pairs
from gateway.uses import Use


def notice_page(withdrawal: Withdrawal, origin: str) -> str:
    """The body of the page of *withdrawal* for whoever meets it: no reason, no person, no licensee."""
    rows = [
        (tr("Withdrawal"), withdrawal.id),
        (tr("For"), ", ".join(sorted(withdrawal.uses))),
        (tr("Since"), moment(withdrawal.since)),
    ]
    if withdrawal.readmitted_at:
        rows.append((tr("Readmitted"), moment(withdrawal.readmitted_at)))
    at = f"{origin}/.licet/withdrawals/{withdrawal.id}"
    told = tr(
        "The owner of {origin} has taken back what this notice is about, for the uses below. Other uses are judged "
        "as before."
    ).format(origin=escape(origin))
    if Use.SEARCH not in withdrawal.uses:
        told += f" {tr('A search engine goes on.')}"
    steps = (
        tr("Stop fetching it for these uses, and stop training on copies of it."),
        tr("Acknowledge this notice."),
        tr(
            "Send a plan within the days that the license names: what is removed, what is mitigated in production, by "
            "when."
        ),
        tr("Attest that the plan was carried out."),
    )
    return "".join(
        (
            f"<p>{told}</p>\n",
            pairs(tr("What was withdrawn"), rows),
            f"<h2>{tr('What a licensee does now')}</h2>\n",
            f"<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>\n",
            f"<p>{tr('With the credentials of your client, by machine:')}</p>\n<pre><code>",
            escape(
                f"curl -u CLIENT_ID:SECRET {at}\n"
                f"curl -u CLIENT_ID:SECRET -H 'Content-Type: application/json' -d '{{}}' {at}/acknowledgment\n"
                f"curl -u CLIENT_ID:SECRET -H 'Content-Type: application/json' "
                f'-d \'{{"plan": "…"}}\' {at}/plan'
            ),
            f"</code></pre>\n<h2>{tr('What is promised, and what is not')}</h2>\n",
            f"<p>{escape(tr(PROMISE))}</p>\n",
            f"<p class='quiet'>{tr('A starting point that needs counsel; not legal advice.')}</p>\n",
        )
    )
