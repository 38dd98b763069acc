"""MMDB files of every layout, old, cut and broken; and what is remembered of them."""

from __future__ import annotations

import ipaddress
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.problems import ConfigurationError
from gateway.visitors.territory import NOWHERE, Locations, Place, asn_in, country_in

GERMAN, FRENCH = "192.0.2.0/24", "2001:db8:1::/48"
LAYOUTS = {
    "GeoLite2-Country": lambda code: {
        "country": {"iso_code": code, "names": {"en": "x"}},
        "continent": {"code": "EU"},
    },
    "DBIP-Country-Lite": lambda code: {"country": {"iso_code": code, "is_in_european_union": True}},
    "ipinfo bundle_location_lite.mmdb": lambda code: {
        "country": "Germany",
        "country_code": code,
        "asn": "AS64496",
    },
    "ipinfo country_asn": lambda code: {"country": code, "country_name": "Germany", "asn": "AS64496"},
    "geo-whois-asn-country": lambda code: {"country_code": code},
    "plain": lambda code: code,
}


@pytest.fixture
def countries(tmp_path: Path, written) -> Path:
    """A file that knows two networks."""
    make = LAYOUTS["GeoLite2-Country"]
    return written(
        tmp_path / "countries.mmdb",
        "GeoLite2-Country",
        [(GERMAN, make("DE")), ("8.8.8.0/24", make("US")), (FRENCH, make("FR"))],
    )


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_layout(kind, tmp_path, written):
    make = LAYOUTS[kind]
    path = written(
        tmp_path / "x.mmdb", kind, [(GERMAN, make("DE")), ("8.0.0.0/8", make("US")), (FRENCH, make("FR"))]
    )
    locations = Locations(path)
    place = locations.place_of("192.0.2.77")
    assert place.country == "DE"
    assert place.basis.startswith("mmdb:")
    assert place.basis.endswith("@2026-09-21")
    assert " " not in place.basis
    assert locations.place_of("2001:db8:1:2::3").country == "FR"
    assert locations.place_of("::ffff:192.0.2.1").country == "DE"
    assert locations.place_of("203.0.113.1") == NOWHERE


@pytest.mark.parametrize(
    "record", [None, {}, {"country": None}, {"country": {}}, {"country": {"iso_code": "de"}}, {"country_code": "XX"},
               {"country_code": "EU"}, {"country_code": "A1"}, {"registered_country": {"iso_code": "DE"}}, [], 7, "Germany"],
)  # fmt: skip
def test_what_names_no_country(record):
    assert country_in(record) == ""


@pytest.mark.parametrize(
    ("record", "number"),
    [
        ({"autonomous_system_number": 64496}, 64496),
        ({"asn": "AS64496"}, 64496),
        ({"asn": {"asn": "AS64496"}}, 64496),
        ({"as_number": 64496}, 64496),
        ({"asn": "AS99999999999"}, 0),
        ({"asn": ""}, 0),
        ({"asn": True}, 0),
        ({}, 0),
        (None, 0),
    ],
)
def test_the_system_of_every_layout(record, number):
    assert asn_in(record) == number


def test_systems(tmp_path, written):
    path = written(
        tmp_path / "asn.mmdb",
        "GeoLite2-ASN",
        [
            ("192.0.2.0/24", {"autonomous_system_number": 64496}),
            ("8.0.0.0/8", {"autonomous_system_number": 64497}),
        ],
    )
    locations = Locations(asn=path)
    assert (locations.asn_of("192.0.2.9"), locations.asn_of("203.0.113.1"), locations.asn_of("?")) == (
        64496,
        0,
        0,
    )
    assert locations.place_of("192.0.2.9") == NOWHERE
    with pytest.raises(ConfigurationError, match="country"):
        Locations(path)


def test_without_a_file_nothing_is_known():
    locations = Locations()
    assert locations.place_of("192.0.2.9") == Place("", "")
    assert locations.asn_of("192.0.2.9") == 0
    assert locations.refresh() is None


def test_a_file_of_ten_years_is_used_and_says_so(tmp_path, written):
    make = LAYOUTS["geo-whois-asn-country"]
    path = written(tmp_path / "old.mmdb", "old", [("8.0.0.0/8", make("US"))], built=1_450_000_000)
    locations = Locations(path)
    assert locations.place_of("8.8.8.8") == Place("US", "mmdb:old@2015-12-13")
    assert locations.editions["country_database"].age_days(1_795_000_000) == 3993


def test_ipv6_in_a_file_of_ipv4_is_nowhere(tmp_path, written):
    path = written(tmp_path / "v4.mmdb", "v4", [("8.0.0.0/8", {"country_code": "US"})], version=4)
    locations = Locations(path)
    assert locations.place_of("8.8.8.8").country == "US"
    assert locations.place_of("2001:db8::1") == NOWHERE


@pytest.mark.parametrize("part", [0, 1, 2, 10, 50, 90, 99])
def test_a_cut_file_is_refused_at_the_start(part, countries):
    whole = countries.read_bytes()
    countries.write_bytes(whole[: len(whole) * part // 100])
    with pytest.raises(ConfigurationError) as refused:
        Locations(countries)
    (mistake,) = refused.value.mistakes
    assert mistake.key == "trust.country_database"


@pytest.mark.parametrize("octets", [b"", b"country,DE\n", b"\x00" * 5000, b"PK\x03\x04" + b"z" * 900])
def test_what_is_no_mmdb_is_refused(octets, tmp_path):
    path = tmp_path / "x.mmdb"
    path.write_bytes(octets)
    with pytest.raises(ConfigurationError, match="MMDB"):
        Locations(path)


def test_every_mistake_is_told(tmp_path):
    with pytest.raises(ConfigurationError) as refused:
        Locations(tmp_path / "none.mmdb", tmp_path)
    assert [mistake.key for mistake in refused.value.mistakes] == [
        "trust.country_database",
        "trust.asn_database",
    ]


def test_broken_octets_never_raise_past_the_start(countries):
    whole = countries.read_bytes()
    dice = random.Random(4)
    taken = refused = 0
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        countries.write_bytes(broken)
        try:
            locations = Locations(countries)
        except ConfigurationError:
            refused += 1
            continue
        taken += 1
        for _ in range(20):
            place = locations.place_of(str(ipaddress.IPv4Address(dice.randrange(2**32))))
            assert place == NOWHERE or len(place.country) == 2
    print(f"broken files: {refused} refused at the start, {taken} taken and read without harm")
    assert taken
    assert refused


@given(st.text(max_size=60))
def test_no_address_raises(text):
    assert isinstance(Locations().place_of(text), Place)


def test_a_new_file_is_taken_up_and_a_broken_one_is_not(countries, written):
    locations = Locations(countries)
    assert locations.refresh() is None
    good = countries.read_bytes()
    countries.write_bytes(good[:100])
    (mistake,) = locations.refresh() or ()
    assert "MMDB" in mistake
    assert locations.place_of("192.0.2.1").country == "DE"
    make = LAYOUTS["plain"]
    written(countries, "plain", [(GERMAN, make("AT")), ("8.0.0.0/8", make("US"))])
    assert locations.refresh() == ()
    assert locations.place_of("192.0.2.1").country == "AT"


def test_answers_are_remembered_within_a_bound(countries):
    locations = Locations(countries)
    for at in range(20_000):
        locations.place_of(f"192.{at // 256 % 256}.{at % 256}.1")
    assert len(locations._places) <= 8192
