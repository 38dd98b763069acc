from gateway.money import Money
from gateway.terms.license_terms import Compensation, Tier
from gateway.terms.unit import FREE, tiers_body, unit_body


def usd(text):
    return Money.parse(text, "USD")


def test_the_unit_names_the_window_of_the_terms():
    told = unit_body(Compensation("USD", per_fetch=usd("0.02"), window_hours=6))
    assert told["window_hours"] == 6
    assert told["free"] == list(FREE)


def test_the_tiers_are_told_in_order_and_exactly():
    price = Compensation(
        "USD", per_fetch=usd("0.02"), tiers=(Tier(10, usd("0.0155")), Tier(20, usd("0.000001")))
    )
    assert tiers_body(price) == [
        {"from_fetches": 10, "per_fetch": {"amount": "0.0155", "micros": 15_500, "currency": "USD"}},
        {"from_fetches": 20, "per_fetch": {"amount": "0.000001", "micros": 1, "currency": "USD"}},
    ]
    assert tiers_body(Compensation("USD", per_fetch=usd("0.02"))) == []
