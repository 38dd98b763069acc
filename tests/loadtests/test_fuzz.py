"""The targets of the fuzzer, without the fuzzer: each takes its own seeds, and can fail."""

from __future__ import annotations

import asyncio
import logging

import pytest

from loadtests.fuzz import TARGETS, Finding, Hostile


@pytest.fixture(params=sorted(TARGETS))
def target(request):
    loop = asyncio.new_event_loop()
    made = TARGETS[request.param](Hostile(), loop)
    yield made
    made.close()
    loop.close()


def test_each_takes_its_seeds(target):
    seeds = list(target.seeds())
    assert len(seeds) >= 30
    for seed in seeds:
        target(seed)
    assert len(target.tokens()) >= 30


def test_each_can_find(target, monkeypatch):
    logging.getLogger("licet.listener").disabled = True
    monkeypatch.setattr("gateway.origin.header_hygiene._may_pass", lambda name: name != "host")
    monkeypatch.setattr(
        "gateway.front.wire.passed_head", lambda *_, **__: (b"HTTP/1.1 2000\\r\\n\\r\\n", None)
    )
    with pytest.raises(Finding):
        for seed in target.seeds():
            target(seed)
    logging.getLogger("licet.listener").disabled = False
