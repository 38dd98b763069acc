"""What the page of findings asks for."""

from __future__ import annotations

import pytest

from gateway.app.examiner import Doctor, read_findings, set_otherwise
from gateway.config import read_config


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"nonsense",
        b"{}",
        b"[1]",
        b'[{"what": "x"}]',
        b'[{"what": "x", "state": "odd", "fact": "", "step": ""}]',
        b"\xff[",
    ],
)
def test_what_is_no_list_of_findings_is_none(told):
    assert read_findings(told) == ()


async def test_the_command_is_what_looks(tmp_path):
    found = {each.what: each for each in await Doctor(tmp_path / "none").examined()}
    assert found["data folder"].state == "warn"
    assert found["policy"].step.startswith("licet init")


async def test_a_command_that_breaks_is_a_finding(tmp_path):
    (only,) = await Doctor(
        tmp_path, {"PYTHONPATH": "/nowhere", "PATH": "", "PYTHONHOME": "/nowhere"}
    ).examined()
    assert (only.what, only.state) == ("doctor", "bad")


def test_settings_that_differ_are_told_and_no_secret_is(tmp_path):
    assert set_otherwise(read_config(tmp_path)) == ()
    (tmp_path / "licet.toml").write_text(
        '[listen]\nport = 80\n[clients]\ninitial_access_token = "hush-hush-hush-hush-hush-hush-hush-hush"\n'
        '[[webhooks]]\nurl = "https://hooks.example/"\n[trust]\nproxies = ["loopback"]\n'
    )
    told = dict(set_otherwise(read_config(tmp_path)))
    assert told == {
        "listen.port": "80",
        "clients.initial_access_token": "set, and not shown",
        "webhooks.0.url": "https://hooks.example/",
        "trust.proxies": '["loopback"]',
    }
