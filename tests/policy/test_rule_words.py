import pytest

from gateway.languages import speak
from gateway.policy.rule_words import numbered, rule_words

PAID = 'stance = "search-free-training-paid"\nworks = [{id = "essays", paths = "/essays/", rights = "own", people = "none"}]\n'
RULES = [
    ('{when = {class = "ai"}, then = {license = ["training", "answers"]}}',
     "AI crawlers need a license (training: 0.02 USD a fetch, answers: 0.004 USD a fetch)"),
    ('{when = {class = "ai", path = "/photos/"}, then = {license = "training"}}',
     "AI crawlers on /photos/ need a license (training: 0.02 USD a fetch)"),
    ('{when = {purpose = ["search", "archive"]}, then = "serve"}', "crawlers for archive or search read for nothing"),
    ('{when = {crawler = "Bytespider"}, then = "refuse"}', "crawlers named bytespider are refused"),
    ('{when = {operator = "OpenAI", class = "ai"}, then = "refuse"}', "AI crawlers of openai are refused"),
    ('{when = {operator = "OpenAI"}, then = "refuse"}', "crawlers of openai are refused"),
    ('{when = {class = ["ai", "automation"], country = "DE"}, then = "refuse"}',
     "AI crawlers or programs that nobody knows from DE are refused"),
    ('{when = {use = "ai-train"}, then = "refuse"}', "crawlers that use pages for ai-train are refused"),
    ('{when = {class = "automation", proof = "none"}, then = "refuse"}',
     "programs that nobody knows (identity none) are refused"),
    ('{when = {work = "essays"}, then = "serve"}', "all visitors in the works essays read for nothing"),
    ('{when = {path = ["/a/", "/b/", "/c/", "/d/", "/e/"]}, then = "serve"}',
     "all visitors on /a/, /b/, /c/, 2 more read for nothing"),
    ('{then = "serve"}', "all visitors read for nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), RULES)
def test_a_rule_is_told_by_its_number_and_by_what_it_says(read, written, said):
    policy = read(PAID + f'rules = [{{when = {{crawler = "x"}}, then = "serve"}}, {written}]')
    assert rule_words(policy, "rules[1]") == f"rule 2: {said}"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("free", "the paths that are free for everyone"),
        ("default", "no rule: none speaks of this visitor"),
        ("rules[9]", "rule 10"),
        ("rules[x]", "rules[x]"),
        ("control-file robots", "control-file robots"),
        ("", ""),
    ],
)
def test_what_is_no_rule_of_the_policy_is_told_by_what_it_is(read, key, said):
    assert rule_words(read('rules = [{then = "serve"}]'), key) == said


def test_a_number_is_told_in_the_language_that_is_spoken():
    number = numbered("rules[2]")
    speak("de")
    try:
        assert number.retold() == "Regel 3"
    finally:
        speak("en")
    assert number == "rule 3"
