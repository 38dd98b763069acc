"""What a creator may write into license.xml, and the sentence where it is wrong."""

from __future__ import annotations

import pytest

from gateway.policy.published import publish
from gateway.policy.reading import read_policy_text
from gateway.problems import ConfigurationError
from gateway.terms.publishing import Publishing

SITE = 'stance = "open"\n[site]\nhosts = ["a.example"]\norigin = "http://127.0.0.1:1"\n[[works]]\nid = "w"\npaths = ["/w/"]\nrights = "own"\npeople = "none"\n'
WRITTEN = """[publish]
license_days = 3
disclaimers = ["as-is", "no-warranty"]
attest = true
proofs = "https://a.example/proof"
reporting_profile = "urn:a:1"
schema_url = "https://a.example/site.json"
alternates = { "text/markdown" = "https://a.example/all.md" }
"""


def test_what_is_written_is_published():
    policy = read_policy_text(SITE + WRITTEN, "a.toml")
    assert policy.publishing == Publishing(
        license_days=3,
        disclaimers=("as-is", "no-warranty"),
        attest=True,
        proofs=("https://a.example/proof",),
        reporting_profile="urn:a:1",
        schema_url="https://a.example/site.json",
        alternates=(("text/markdown", "https://a.example/all.md"),),
    )
    assert publish(policy, "https://a.example", {}).publishing == policy.publishing
    assert policy.digest != read_policy_text(SITE, "a.toml").digest


@pytest.mark.parametrize(
    "line",
    [
        "license_days = 0", 'license_days = "7"', 'disclaimers = "no-luck"', "disclaimers = 1", 'proofs = ["see me"]',
        'reporting_profile = "quarterly"', 'reporting_profile = "https://"', 'schema_url = "urn:a:1"',
        'schema_url = "https://a.example/<x>"', 'alternates = "https://a.example/"', 'alternates = { markdown = "https://a.example/" }',
        'alternates = { "text/markdown" = "all.md" }', 'schema_url = "https://[x/"',
    ],
)  # fmt: skip
def test_mistakes_are_told_by_their_key(line):
    with pytest.raises(ConfigurationError) as caught:
        read_policy_text(f"{SITE}[publish]\n{line}\n", "a.toml")
    (mistake,) = caught.value.mistakes
    assert mistake.key == f"publish.{line.partition(' ')[0]}" and "write" in str(mistake).lower()
