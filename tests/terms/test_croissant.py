import json
import warnings

import pytest

from gateway.terms.croissant import CONFORMS_TO, croissant, read_usage
from gateway.terms.odrl import OdrlError, odrl_offer, offered, read_policy

#: What the specification asks of every dataset ("Required", "Modified and Added Properties").
REQUIRED = {
    "@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "datePublished",
    "distribution",
}  # fmt: skip


def selling(policies_generated, count):
    return [case for case in policies_generated.cases(count) if offered(case.terms)]


def test_a_dataset_has_what_the_specification_asks_for(policies_generated):
    found = selling(policies_generated, 60)
    assert len(found) > 20
    for case in found:
        made = json.loads(json.dumps(croissant(case.terms, published="2026-11-26")))
        assert set(made) >= REQUIRED
        assert (made["@type"], made["conformsTo"], made["isLiveDataset"]) == ("sc:Dataset", CONFORMS_TO, True)
        files = made["distribution"]
        assert files
        assert len({each["@id"] for each in files}) == len(files)
        for each in files:
            assert each["@type"] == "cr:FileObject"
            assert each["contentUrl"].startswith("https://journal.example/")
            assert "*" not in each["contentUrl"]
            assert "sha256" not in each


def test_the_offers_in_it_say_what_the_offers_say(policies_generated):
    for case in selling(policies_generated, 120):
        made = json.loads(json.dumps(croissant(case.terms, published="2026-11-26")))
        offers = offered(case.terms)
        assert list(read_usage(made)) == [read_policy(odrl_offer(case.terms, each)) for each in offers], (
            case.name
        )
        assert all(usage["@type"] == ["CreativeWork", "odrl:Offer"] for usage in made["usageInfo"])


def test_a_bundle_may_hold_some_of_the_offers(make):
    one, other = make.offer("one", path="/a/"), make.offer("other", path="/b/")
    terms = make.published(make.scope("/a/", (), [one]), make.scope("/b/", (), [other]))
    made = croissant(terms, published="2026-11-26", offers=[other])
    assert [each["name"] for each in made["distribution"]] == ["/b/"]
    assert [each.terms.scope.paths[0].pattern for each in read_usage(made)] == ["/b/"]


def test_what_holds_no_offer_is_left_out():
    assert read_usage({"usageInfo": ["https://a.example", {"@type": "DefinedTerm"}, 3]}) == ()
    assert read_usage([]) == read_usage({}) == ()


def test_what_is_nested_without_end_is_no_offer():
    deep = {"@type": ["odrl:Offer"]}
    for _ in range(5000):
        deep = {"odrl:permission": deep}
    (read,) = read_usage({"usageInfo": {"@type": "odrl:Offer", "odrl:permission": deep}})
    assert isinstance(read, OdrlError)


@pytest.mark.filterwarnings("ignore")
def test_the_reader_of_mlcommons_accepts_it(policies_generated, tmp_path):
    reader = pytest.importorskip(
        "mlcroissant", reason="mlcroissant, with pandas and scipy, is not installed here"
    )
    for at, case in enumerate(selling(policies_generated, 20)):
        file = tmp_path / f"{at}.json"
        file.write_text(json.dumps(croissant(case.terms, published="2026-11-26")))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = reader.Dataset(str(file))
        assert not read.metadata.ctx.issues.errors
        assert not read.metadata.ctx.issues.warnings
