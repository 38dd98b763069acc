import pytest

from gateway.policy.lint_telling import lint_telling
from gateway.policy.published import publish
from gateway.policy.reading import default_policy, stances
from gateway.visitors.catalog import Catalog

SELL = '{when = {class = "ai"}, then = {license = "training"}}'
PAID = """
otherwise = "refuse"
works = [{id = "essays", paths = ["/essays/"], rights = "own", people = "none"}]
offers.training = {uses = ["ai-train", "ai-input"], price = {per_fetch = "0.02"}}
"""
SERVED = PAID.replace('"refuse"', '"serve"', 1)
OFF = "content_usage = false, content_signals = false, tdmrep = false"
CASES = [
    # text, key of the advice, a part of its sentence
    (PAID + f'publish = {{{OFF}}}\nrules = [{SELL}, {{then = "serve"}}]', "publish", "every preference is off"),
    (PAID + f'publish = {{tdmrep = false}}\nrules = [{SELL}, {{then = "serve"}}]', "publish.tdmrep", "take silence for no reservation"),
    (PAID + f'publish = {{x_robots_tag = true}}\nrules = [{SELL}, {{then = "serve"}}]', "publish.x_robots_tag",
     '"/essays/", which an offer sells'),
    (PAID + f'rules = [{SELL}, {{when = {{class = "search-engine", crawler = "x"}}, then = "refuse"}}, '
     '{when = {class = "search-engine", country = "DE"}, then = "refuse"}, {then = "serve"}]', "rules", 'for sale on "/"'),
    (SERVED + f'rules = [{SELL}, {{then = "serve"}}]', "otherwise", '"/" is in none of your works'),
]  # fmt: skip
SOUND = [
    PAID + f'rules = [{SELL}, {{then = "serve"}}]',
    PAID + f'publish = {{content_usage = false}}\nrules = [{SELL}, {{then = "serve"}}]',
    PAID + 'publish = {x_robots_tag = true}\nrules = [{when = {class = "ai"}, then = "refuse"}, {then = "serve"}]',
    PAID + f'rules = [{{when = {{class = "search-engine"}}, then = "refuse"}}, {SELL}, {{then = "serve"}}]',
    f'publish = {{{OFF}}}\nrules = [{{then = "serve"}}]\notherwise = "serve"\n',
]  # fmt: skip


def terms(policy):
    catalog = Catalog.shipped().crawlers
    return publish(
        policy, "https://journal.example", {each.name: (each.crawler, each.tokens) for each in catalog}
    )


@pytest.mark.parametrize(("text", "key", "part"), CASES, ids=range(len(CASES)))
def test_what_looks_wrong_is_said(read, text, key, part):
    policy = read(text)
    advice = lint_telling(policy, terms(policy))
    assert len([each for each in advice if each.key == key and part in each.sentence]) == 1, advice


@pytest.mark.parametrize("text", SOUND, ids=range(len(SOUND)))
def test_what_is_meant_is_not_doubted(read, text):
    policy = read(text)
    assert lint_telling(policy, terms(policy)) == ()


@pytest.mark.parametrize("stance", stances())
def test_no_shipped_stance_is_doubted(stance):
    policy = default_policy("http://127.0.0.1:8000", stance=stance)
    assert lint_telling(policy, terms(policy)) == ()
