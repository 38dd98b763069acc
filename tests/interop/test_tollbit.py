"""PyPI ``tollbit-python-sdk``, unmodified but for its base URL: rates, a token, the page, uses told afterwards."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64encode
from importlib.metadata import version

import pytest

from loadtests.raw_origin import PAGE

pytest.importorskip("tollbit", reason="PyPI tollbit-python-sdk is absent")
from tollbit import crawl_content, self_reporting, use_content
from tollbit._apis.errors import ApiError
from tollbit.content_formats import HTML
from tollbit.currencies import USD
from tollbit.licenses.permissions import LICENSE_PERMISSION_PARTIAL_USE as PARTIAL
from tollbit.licenses.types import CUSTOM_LICENSE, ON_DEMAND_FULL_USE_LICENSE, ON_DEMAND_LICENSE
from tollbit.self_reporting.usage import usage

AGENT = "ChatGPT-User/1.0"
ROW = ("PyPI tollbit-python-sdk", version("tollbit-python-sdk"))


@pytest.fixture
def keyed(answering, monkeypatch):
    """The gateway, and the key of a licensee whose SDK knows it by its base URL."""
    monkeypatch.setenv("TOLLBIT_SDK_DEVELOPER_API_BASE_URL", f"{answering.url}/.licet/tollbit")
    monkeypatch.setenv("TOLLBIT_SDK_REQUESTS_TIMEOUT", "30")
    return answering, ":".join(answering.licensee())


def balance(gateway, key):
    """What the licensee of *key* has left, in micro-units."""
    request = urllib.request.Request(
        f"{gateway.url}/.licet/account",
        headers={"Authorization": f"Basic {b64encode(key.encode()).decode()}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        (left,) = json.load(answer)["balances"]
    return left["micros"]


def test_rates_token_and_page(keyed, interop) -> None:
    gateway, key = keyed
    page = f"{gateway.url}/essays/tides"
    client = use_content.create_client(secret_key=key, user_agent=AGENT)
    (rate,) = client.get_rate(page)
    assert (rate.price.price_micros, rate.price.currency) == (5_000, "USD")
    assert (rate.license.id, rate.license.license_type) == ("answers", "ON_DEMAND_LICENSE")
    assert [each.name for each in rate.license.permissions] == ["PARTIAL_USE", "CITATION_REQUIRED"]
    with urllib.request.urlopen(rate.license.license_path, timeout=20) as answer:
        assert answer.status == 200
    batch = client.get_rates([page, "https://elsewhere.example/"])
    assert [[each.price.price_micros for each in rates.rates] for rates in batch] == [[5_000], []]
    interop(*ROW, "rates", "one page and a batch: 0.005 USD, partial use, citation required")

    got = client.get_sanctioned_content(page, 5_000, USD, ON_DEMAND_LICENSE, format=HTML)
    assert got.content.body == PAGE.decode()
    with pytest.raises(ApiError) as dear:
        client.get_sanctioned_content(page, 4_999, USD, ON_DEMAND_LICENSE)
    assert (dear.value.status_code, dear.value.title) == (
        402,
        "The most that is offered is below the price",
    )
    with pytest.raises(ApiError) as full:
        client.get_sanctioned_content(page, 5_000, USD, ON_DEMAND_FULL_USE_LICENSE)
    assert full.value.status_code == 400
    interop(
        *ROW, "token and page", "200 for 0.005 USD; at most 0.004999: 402; full use, which is not sold: 400"
    )


def test_uses_told_afterwards_are_paid_once(keyed, interop) -> None:
    gateway, key = keyed
    page = f"{gateway.url}/essays/tides"
    client = self_reporting.create_client(secret_key=key, user_agent=AGENT)
    block = client.create_transaction_block([usage(page, 7, [PARTIAL], ON_DEMAND_LICENSE)])
    (receipt,) = client.report(block).receipts
    assert (receipt.per_unit_price_micros, receipt.total_use_price_micros, receipt.currency) == (
        5_000,
        35_000,
        "USD",
    )
    assert client.report(block).receipts == [receipt]
    held = receipt.license.id
    again = client.report(client.create_transaction_block([usage(page, 1, [PARTIAL], CUSTOM_LICENSE, held)]))
    assert again.receipts[0].total_use_price_micros == 5_000
    with pytest.raises(ApiError) as poor:
        client.report(client.create_transaction_block([usage(page, 1_000, [PARTIAL], ON_DEMAND_LICENSE)]))
    assert poor.value.status_code == 402
    assert balance(gateway, key) == 4_960_000
    interop(
        *ROW, "self-report", "7 uses and 1: 0.04 USD, the same block twice is paid once; beyond credit: 402"
    )


def test_crawling_takes_a_license_that_is_held(keyed, interop) -> None:
    gateway, key = keyed
    page = f"{gateway.url}/essays/tides"
    crawler = crawl_content.create_client(secret_key=key, user_agent=AGENT)
    with pytest.raises(ApiError) as bare:
        crawler.crawl_content(page)
    assert bare.value.status_code == 402
    use_content.create_client(secret_key=key, user_agent=AGENT).get_sanctioned_content(
        page, 5_000, USD, ON_DEMAND_LICENSE
    )
    assert crawler.crawl_content(page).content.body == PAGE.decode()
    assert crawler.list_content_catalog(gateway.url) is None, "its works are shelves, and no pages are told"
    interop(*ROW, "crawl", "without a license 402, with one 200")


def test_a_wrong_key_is_told_nothing(keyed) -> None:
    gateway, key = keyed
    for wrong in ("", "x", key + "x", key.partition(":")[0] + ":"):
        with pytest.raises(ApiError) as refused:
            use_content.create_client(secret_key=wrong, user_agent=AGENT).get_rate(
                f"{gateway.url}/essays/tides"
            )
        assert refused.value.status_code == 401
    bare = urllib.request.Request(
        f"{gateway.url}/.licet/tollbit/dev/v2/content/{gateway.url.partition('://')[2]}/essays/tides",
        headers={"User-Agent": AGENT},
    )
    with pytest.raises(urllib.error.HTTPError) as unpaid:
        urllib.request.urlopen(bare, timeout=20)
    unpaid.value.close()
    assert (unpaid.value.code, unpaid.value.headers["Content-Type"]) == (402, "application/problem+json")
