from gateway.terms import countries
from gateway.terms.european_union import EU


def test_249_countries_and_kosovo():
    assert len(countries.COUNTRIES) == 250
    assert EU < countries.COUNTRIES
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in countries.COUNTRIES)


def test_regions_in_any_case_and_no_other():
    assert countries.region("no") == "NO"
    assert countries.region("EU") == "EU"
    assert [countries.region(text) for text in ("UK", "EN", "", "Germany", "D")] == [None] * 5


def test_what_people_mean():
    assert countries.meant("uk") == "GB"
    assert countries.meant("ZZ") == ""


def test_eu_is_spelled_out_and_does_not_swallow_others():
    assert countries.spelled_out(frozenset({"EU", "NO"})) == EU | {"NO"}
    assert countries.spelled_out(frozenset({"DE"})) == {"DE"}
