from dataclasses import replace

import pytest

from gateway.policy.lint import lint

PAID = """
otherwise = "refuse"
works = [{id = "essays", paths = ["/essays/"], rights = "own", people = "none"}]
offers.training = {uses = ["ai-train"], price = {per_fetch = "0.02"}}
"""
SELL = '{when = {class = "ai"}, then = {license = "training"}}'

CASES = [
    # text, key of the advice, a part of its sentence
    (PAID.replace('"/essays/"', '"/essays/", "/essays/Comments/"') + f"rules = [{SELL}]", "works[0].paths", "(comments)"),
    (PAID.replace('"/essays/"', '"/user/"') + f"rules = [{SELL}]", "works[0].paths", "(user)"),
    (PAID.replace('"/essays/"', '"/"') + f"rules = [{SELL}]", "works[0].paths", "the whole site is for sale"),
    (PAID.replace("}]", '}, {id = "more", paths = ["/essays/more/"], rights = "own", people = "none"}]', 1) + f"rules = [{SELL}]",
     "works[1].paths", "lies inside the work essays"),
    (PAID.replace('"none"}', '"none", renditions = {scan = ["/essays/*.pdf"]}}') + f"rules = [{SELL}]",
     "works[0].renditions.scan", "no offer sells the scan"),
    (PAID.replace("}]", '}, {id = "more", paths = ["/more/"], rights = "own", people = "none"}]', 1)
     .replace("offers.training = {", 'offers.training = {works = "essays", ') + f"rules = [{SELL}]", "works[1]", "no offer sells more"),
    (PAID.replace("0.02", "0") + f"rules = [{SELL}]", "offers.training.price", "costs nothing"),
    (PAID.replace('per_fetch = "0.02"', 'per_fetch = "0.02", tiers = [{from_fetches = 9, per_fetch = "0.01"}]')
     .replace("offers.training = {", "offers.training = {max_fetches = 9, ") + f"rules = [{SELL}]",
     "offers.training.price.tiers[0]", "never reached: a license ends at 9 fetches"),
    (PAID.replace('per_fetch = "0.02"', 'per_fetch = "0.02", by_age = [{from_days = 9, per_fetch = "0.01"}]') + f"rules = [{SELL}]",
     "works[0]", "does not say how old its pages are"),
    (PAID.replace('per_fetch = "0.02"', 'upfront = "5"') + f"rules = [{SELL}]", "offers.training.price", "no per_fetch part"),
    (PAID + 'rules = [{then = "serve"}]', "offers.training", "nobody is told"),
    (PAID + f'rules = [{{when = {{purpose = "search"}}, then = {{license = "training"}}}}, {SELL}]', "rules[0]", "have to pay"),
    (PAID + f'rules = [{{when = {{class = "search-engine"}}, then = "refuse"}}, {SELL}]', "rules[0]", "vanish"),
    (PAID + f'rules = [{{when = {{purpose = ["archive", "ads"]}}, then = "refuse"}}, {SELL}]', "rules[0]", "archives are refused here"),
    (PAID + f'rules = [{{when = {{purpose = "feed"}}, then = {{license = "training"}}}}, {SELL}]', "rules[0]", "feed readers are sent to the till"),
    (PAID + f'rules = [{{when = {{purpose = "preview"}}, then = "refuse"}}, {SELL}]', "rules[0]", "link previews are refused"),
    (PAID + f'rules = [{{when = {{purpose = "monitoring"}}, then = "refuse"}}, {SELL}]', "rules[0]", "monitors are refused"),
    (PAID + f'rules = [{{when = {{class = "service"}}, then = "refuse"}}, {SELL}]', "rules[0]", "read-aloud"),
    (PAID + 'rules = [{when = {class = ["ai", "automation"]}, then = "refuse"}]', "rules[0]", "every robot that nobody knows by name"),
    (PAID + f'rules = [{{when = {{crawler = "Feedly"}}, then = "refuse"}}, {SELL}]', "rules[0]", "also stops Feedly, which is no AI crawler but a feed reader"),
    (PAID + f'rules = [{{when = {{operator = "Google"}}, then = "refuse"}}, {SELL}]', "rules[0]", "but a search engine"),
    (PAID + f'rules = [{SELL}, {{when = {{class = "ai", country = "DE"}}, then = "refuse"}}]', "rules[1]", "rules[0] matches first"),
    (PAID + f'rules = [{SELL}, {{then = "serve"}}, {{when = {{crawler = "x"}}, then = "refuse"}}]', "rules[2]", "rules[1] matches first"),
    (PAID + f'rules = [{{when = {{path = "/essays/"}}, then = "serve"}}, {{when = {{work = "essays"}}, then = "refuse"}}, {SELL}]',
     "rules[1]", "rules[0] matches first"),
    (PAID + f'free_paths = "/a/"\nrules = [{{when = {{path = "/a/b"}}, then = "refuse"}}, {SELL}]', "rules[0]", "free_paths"),
    (PAID + f'rules = [{{when = {{path = "/b", work = "essays"}}, then = "refuse"}}, {SELL}]', "rules[0]", "none of the works"),
    (PAID + f'rules = [{SELL}, {{then = "refuse"}}]', "rules[1]", "people too, everywhere"),
    (PAID + f'rules = [{SELL}, {{when = {{path = "/x"}}, then = "refuse"}}]', "rules[1]", "people too, here"),
    (PAID + f'rules = [{SELL}, {{when = {{class = "unproven"}}, then = "refuse"}}]', "rules[1]", "are people"),
    (PAID + f'rules = [{{when = {{crawler = "GTPBot"}}, then = "refuse"}}, {SELL}]', "rules[0].when.crawler", '"gtpbot"'),
    (PAID + f'rules = [{{when = {{class = "ai", path = "/"}}, then = "refuse"}}, {SELL}]', "rules[0]", "which an offer sells"),
    (PAID + f'contract = {{law = ""}}\nrules = [{SELL}]'.replace('law = ""', 'law = "", creator = "J"'), "contract.law", "no negotiated deal can be signed"),
    (PAID + f'contract = {{law = "Ireland", creator = "J", signatory = "Ada"}}\nrules = [{SELL}]', "contract", "says no address, authority"),
    (PAID + f'rules = [{{when = {{class = "ai", country = "CN"}}, then = "refuse"}}, {SELL}]', "offers.training.territory", "CN"),
    (PAID.replace('per_fetch = "0.02"', 'upfront = "500", per_fetch = "0.02"') + f"rules = [{SELL}]", "offers.training", "named parties alone"),
    (PAID.replace("}}", "}, term = {months = 600}}") + f"rules = [{SELL}]", "offers.training", "named parties alone"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "part"), CASES)
def test_what_looks_wrong_is_said(make, read, text, key, part):
    advice = lint(read(text), ["GPTBot", "x", "Feedly"], [make.GPTBOT, make.FEEDLY, make.GOOGLEBOT])
    assert len([each for each in advice if each.key == key and part in each.sentence]) == 1, advice


def test_a_company_with_several_services_is_told_of_some(make, read):
    others = [replace(make.FEEDLY, name=f"Feed{number}", operator="Google") for number in range(4)]
    text = PAID + f'rules = [{{when = {{operator = "google"}}, then = "refuse"}}, {SELL}]'
    sentences = [advice.sentence for advice in lint(read(text), None, [make.GOOGLEBOT, *others])]
    assert any("also stops Googlebot, Feed0, Feed1 and 2 more: not AI crawlers" in each for each in sentences)


QUIET = [
    PAID + f"rules = [{SELL}]",
    PAID + f'rules = [{{when = {{crawler = "gptbot"}}, then = "refuse"}}, {SELL}, {{then = "serve"}}]',
    # A crawler with two purposes passes the first and is met by the second.
    PAID + f'rules = [{{when = {{purpose = "search"}}, then = "serve"}}, {{when = {{purpose = "search", class = "ai"}}, then = {{license = "training"}}}}, {SELL}]'.replace('purpose = "search", class', 'purpose = ["search"], class'),
    PAID + f'rules = [{{when = {{class = ["ai", "unproven"], path = "/x"}}, then = "serve"}}, {SELL}]',
    PAID + f'rules = [{{when = {{crawler = "GPTBot", country = "CN"}}, then = "refuse"}}, {SELL}]',
    # Only those that hide; only one company's AI crawlers; services served by name.
    PAID + f'rules = [{{when = {{class = "automation", proof = "none"}}, then = "refuse"}}, {SELL}]',
    PAID.replace('per_fetch = "0.02"', 'upfront = "500", per_fetch = "0.02"') + f'contract = {{by_machine = true, law = "Ireland", creator = "J", address = "1 Road", signatory = "Ada", authority = "owner"}}\nrules = [{SELL}]',
    PAID + f'rules = [{{when = {{operator = "Google", class = "ai"}}, then = "refuse"}}, {SELL}]',
    PAID + f'rules = [{{when = {{purpose = ["feed", "archive"]}}, then = "serve"}}, {SELL}]',
]  # fmt: skip


@pytest.mark.parametrize("text", QUIET)
def test_what_is_right_is_left_alone(make, read, text):
    crawlers = [make.GPTBOT, make.FEEDLY, make.GOOGLEBOT]
    assert [
        advice for advice in lint(read(text), ["GPTBot"], crawlers) if "have to pay" not in advice.sentence
    ] == []


def test_without_a_catalog_no_name_is_doubted(read):
    assert lint(read(PAID + f'rules = [{{when = {{crawler = "whoever"}}, then = "refuse"}}, {SELL}]')) == ()


def test_advice_on_whole_sites_ends_once_a_part_is_set_aside(read):
    text = PAID.replace('"/essays/"', '"/"').replace(
        "}]", '}, {id = "f", paths = ["/f/"], rights = "own", people = "unsure"}]', 1
    )
    assert lint(read(text + f"rules = [{SELL}]")) == ()


def test_a_work_that_says_how_old_its_pages_are_is_no_advice(read):
    text = PAID.replace(
        'per_fetch = "0.02"', 'per_fetch = "0.02", by_age = [{from_days = 9, per_fetch = "0.01"}]'
    )
    dated = text.replace('people = "none"', 'people = "none", dated = "/essays/%Y/"') + f"rules = [{SELL}]"
    assert not any("how old" in advice.sentence for advice in lint(read(dated)))
