"""A proof says when what was seen, by digests; the same facts give the same digest, and it claims no more than it can."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical_digest
from gateway.licenses.authorship import Original, Seen, annex_of, proof_of

NOW = 1_795_000_000
ORIGIN = "https://journal.example"
SEEN = (
    Seen("/essays/a", "a" * 64, 10, 30),
    Seen("/essays/a", "b" * 64, 40, 50),
    Seen("/essays/b", "c" * 64, 5, 5),
)
ORIGINALS = (Original("journal", "essays", "b" * 64, "a.md", 12, 7, "operator"),)


def proof(seen=SEEN, originals=ORIGINALS, now=NOW):
    return proof_of("journal", ORIGIN, "essays", seen, originals, now)


def test_each_page_has_its_opaque_id_its_address_and_its_digests_over_time():
    document = proof().document
    one, two = document["contents"]
    assert (one["url"], one["first_seen"]) == (f"{ORIGIN}/essays/a", 10)
    assert [(each["digest"], each["first_seen"], each["last_seen"], each["is_original"]) for each in one["digests"]] == [
        ("sha-256:" + "a" * 64, 10, 30, False), ("sha-256:" + "b" * 64, 40, 50, True)
    ]  # fmt: skip
    assert one["content"] != two["content"]
    assert document["originals"] == [
        {"name": "a.md", "digest": "sha-256:" + "b" * 64, "size": 12, "filed_at": 7, "by": "operator"}
    ]
    assert "Neither shows" in document["basis"]
    assert "not legal advice" in document["basis"]


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(shuffle: random.Random):
    rows = list(SEEN)
    shuffle.shuffle(rows)
    assert proof(rows) == proof()


def test_the_digest_is_that_of_the_document_and_another_fact_gives_another():
    assert proof().digest == canonical_digest(proof().document)
    digests = {proof().digest, proof(SEEN[:2]).digest, proof(originals=()).digest, proof(now=NOW + 1).digest}
    assert len(digests) == 4


def test_an_annex_names_the_digest_of_each_proof():
    annex = annex_of([proof(), proof(originals=())])
    assert [each["digest"] for each in annex.document["works"]] == [
        proof().digest,
        proof(originals=()).digest,
    ]
    assert annex.digest == canonical_digest(annex.document)
    assert annex_of([]).document["works"] == []
