"""What a site chose of its channels, and that choosing nothing changes no digest."""

from __future__ import annotations

import pytest

from gateway.policy.reading import read_policy_text
from gateway.problems import ConfigurationError
from gateway.terms.publishing import USUAL, Publishing, RobotsPreferences

SITE = 'stance = "open"\n[site]\nhosts = ["a.example"]\norigin = "http://127.0.0.1:1"\n[[works]]\nid = "w"\npaths = ["/w/"]\nrights = "own"\npeople = "none"\n'


def test_a_site_that_chose_nothing_is_as_it_was():
    plain, spelled = (
        read_policy_text(SITE, "a.toml"),
        read_policy_text(SITE + "[publish]\ntdmrep = true\n", "a.toml"),
    )
    assert plain.publishing == spelled.publishing == USUAL
    assert plain.digest == spelled.digest
    assert USUAL.as_json() == {}


def test_what_is_chosen_is_another_policy():
    chosen = read_policy_text(SITE + '[publish]\nhtml_link = true\npreferences = "policy"\n', "a.toml")
    assert chosen.publishing == Publishing(html_link=True, preferences=RobotsPreferences.POLICY)
    assert chosen.digest != read_policy_text(SITE, "a.toml").digest
    assert chosen.publishing.as_json() == {"html_link": True, "preferences": "policy"}


@pytest.mark.parametrize("line", ["feeds = 1", 'preferences = "mine"', "html_lnk = true", 'llms_txt = "yes"'])
def test_mistakes_are_told_by_their_key(line):
    with pytest.raises(ConfigurationError) as caught:
        read_policy_text(SITE + f"[publish]\n{line}\n", "a.toml")
    (mistake,) = caught.value.mistakes
    assert mistake.key == f"publish.{line.partition(' ')[0]}"
