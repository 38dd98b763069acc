"""Receipts: whoever has the log's key needs nothing else, and nothing changed is believed."""

from __future__ import annotations

import base64
import copy
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.provenance.checkpoint import LogKey
from gateway.provenance.public_log import PublicLog
from gateway.provenance.receipts import (
    MOST,
    Opened,
    ReceiptRefused,
    as_tlog_proof,
    receipts,
    verify,
    verify_tlog_proof,
)

NAME = "journal.example/.licet/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LOG = LogKey(NAME, KEY.public_key())


class Store:
    def __init__(self, opened):
        self.opened = opened

    async def size(self):
        return len(self.opened)

    async def leaves(self, begin, most):
        return tuple(each.leaf for each in self.opened[begin : begin + most])


@pytest.fixture
async def log(tmp_path, new_record):
    """A log of 300 records, and how its entries open."""
    opened = []
    for n in range(300):
        record = new_record(n)
        salt = bytes([n % 256]) * 32
        opened.append(
            Opened(n, "fetch", record.licensee, record.site, record.time_us, record.canonical(), salt)
        )
    made = await PublicLog.open(tmp_path, NAME, KEY, Store(opened))
    await made.catch_up(Store(opened))
    return made, opened


def document(log, *which):
    made, opened = log
    return receipts(
        [opened[n] for n in which], LOG, made.head.size, made.signed.note, made.nodes(made.head.size)
    )


async def test_what_stands_in_the_log_is_proven(log):
    made, opened = log
    told = json.loads(json.dumps(document(log, 0, 255, 256, 299)))
    found = verify(told, LogKey.read(told["log"]))
    assert [each.index for each in found] == [0, 255, 256, 299]
    assert [each.entry.canonical() for each in found] == [opened[n].canonical for n in (0, 255, 256, 299)]
    assert {each.checkpoint for each in found} == {made.head}


async def test_the_form_of_others_says_the_same(log):
    made, opened = log
    text = as_tlog_proof(opened[77], made.head.size, made.signed.note, made.nodes(made.head.size))
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert verify_tlog_proof(text, LOG) == verify(document(log, 77), LOG)[0]
    for broken in (
        text[1:],
        text.replace("index 77", "index 78"),
        text.replace("index 77", "index +77"),
        "",
        "\n\n",
    ):
        with pytest.raises(ReceiptRefused):
            verify_tlog_proof(broken, LOG)


async def test_a_receipt_of_another_log_is_not_believed(log):
    other = LogKey(NAME, Ed25519PrivateKey.generate().public_key())
    with pytest.raises(ReceiptRefused, match="checkpoint is not believed"):
        verify(document(log, 3), other)


def _swap(told):
    told["receipts"][0]["record"], told["receipts"][1]["record"] = (
        told["receipts"][1]["record"],
        told["receipts"][0]["record"],
    )


BROKEN = {
    "price": lambda told: told["receipts"][0]["record"].update(charged_micros=1),
    "path": lambda told: told["receipts"][0]["record"].update(path="/other"),
    "more": lambda told: told["receipts"][0]["record"].update(more=1),
    "less": lambda told: told["receipts"][0]["record"].pop("path"),
    "huge": lambda told: told["receipts"][0]["record"].update(charged_micros=2**80),
    "nested": lambda told: told["receipts"][0]["record"].update(uses=[[[]]]),
    "salt": lambda told: told["receipts"][0].update(salt="00" * 32),
    "short salt": lambda told: told["receipts"][0].update(salt="00"),
    "odd salt": lambda told: told["receipts"][0].update(salt="zz"),
    "kind": lambda told: told["receipts"][0].update(kind="book"),
    "index": lambda told: told["receipts"][0].update(index=4),
    "negative": lambda told: told["receipts"][0].update(index=-1),
    "large": lambda told: told["receipts"][0].update(index=2**70),
    "true": lambda told: told["receipts"][0].update(index=True),
    "cut proof": lambda told: told["receipts"][0]["proof"].pop(),
    "more proof": lambda told: told["receipts"][0]["proof"].append(told["receipts"][0]["proof"][0]),
    "long proof": lambda told: told["receipts"][0].update(proof=told["receipts"][0]["proof"] * 40),
    "odd proof": lambda told: told["receipts"][0].update(proof=[1, None]),
    "no base64": lambda told: told["receipts"][0].update(proof=["*"]),
    "swapped": _swap,
    "none": lambda told: told.update(receipts=[]),
    "too many": lambda told: told.update(receipts=told["receipts"] * MOST),
    "no list": lambda told: told.update(receipts={}),
    "no objects": lambda told: told.update(receipts=[3]),
    "format": lambda told: told.update(format="licet-receipts/2"),
    "note": lambda told: told.update(checkpoint=told["checkpoint"].replace("300", "301")),
    "no note": lambda told: told.update(checkpoint=None),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_nothing_changed_is_believed(log, how):
    told = copy.deepcopy(document(log, 3, 9))
    assert verify(told, LOG)
    BROKEN[how](told)
    with pytest.raises(ReceiptRefused):
        verify(told, LOG)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: (
            st.lists(each) | st.dictionaries(st.sampled_from(["format", "checkpoint", "receipts", "x"]), each)
        ),
    )
)
def test_no_document_does_anything_else(document):
    with pytest.raises(ReceiptRefused):
        verify(document, LOG)


@given(st.text(), st.binary())
def test_no_text_does_anything_else(text, extra):
    for each in (
        text,
        f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(extra).decode()}\nindex 0\n\n{text}",
    ):
        with pytest.raises(ReceiptRefused):
            verify_tlog_proof(each, LOG)
