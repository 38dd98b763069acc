"""The port and its adapters agree on every method; what the methods do is `tests/conformance/test_ledger.py`."""

from __future__ import annotations

import inspect

import pytest

from gateway.billing.ledger import Ledger
from gateway.store.memory.ledger import MemoryLedger
from gateway.store.sqlite.ledger import SqliteLedger


@pytest.mark.parametrize("adapter", [MemoryLedger, SqliteLedger])
def test_an_adapter_has_every_method_as_the_port_names_it(adapter):
    names = [name for name, each in vars(Ledger).items() if inspect.iscoroutinefunction(each)]
    assert len(names) == 15
    for name in names:
        assert inspect.signature(getattr(adapter, name)) == inspect.signature(getattr(Ledger, name)), name
