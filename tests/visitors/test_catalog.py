"""The catalog: what is shipped, what is refused, whose User-Agent it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.problems import ConfigurationError
from gateway.uses import AI_USES, Use
from gateway.visitors.catalog import _REMEMBERED, Catalog
from gateway.visitors.networks import Networks
from gateway.visitors.product_token import LONGEST
from gateway.visitors.visitor import VisitorClass

GOOD = """
[[crawler]]
name = "NewBot"
operator = "New"
purposes = ["training"]
uses = ["ai-train"]
class = "ai"
tokens = ["NewBot"]
robots = "obeys"
source = "https://new.example/bot"
checked = 2026-09-05
"""


def read(tmp_path: Path, text: str) -> Catalog:
    (tmp_path / "new.toml").write_text(text, encoding="utf-8")
    return Catalog.read(tmp_path)


def test_what_is_shipped_is_broad_and_sourced(catalog: Catalog) -> None:
    ai = [entry for entry in catalog.crawlers if entry.crawler.visitor_class is VisitorClass.AI]
    assert len([entry for entry in ai if entry.source]) >= 100
    for entry in catalog.crawlers:
        assert bool(entry.source) is bool(entry.checked)
        assert not entry.checked or date.fromisoformat(entry.checked) <= date(2026, 11, 26)
        assert entry.crawler.verifiable is bool(entry.recipe)


def test_classes_and_uses_agree(catalog: Catalog) -> None:
    for entry in catalog.crawlers:
        crawler = entry.crawler
        if crawler.visitor_class is VisitorClass.AI:
            assert crawler.uses & AI_USES, entry.name
        elif crawler.visitor_class is VisitorClass.SEARCH_ENGINE:
            assert crawler.uses == {Use.SEARCH}, entry.name
        else:
            assert not crawler.uses, entry.name


def test_what_is_said_of_robots_is_dated(catalog: Catalog) -> None:
    noted = {entry.name: entry for entry in catalog.crawlers if entry.note}
    assert {"ChatGPT-User", "Perplexity-User", "Claude-User", "Google-Agent", "Bytespider"} <= set(noted)
    assert all(entry.checked for entry in noted.values())


def test_agents_are_known_by_the_directory_of_their_keys(catalog: Catalog) -> None:
    signers = [entry for entry in catalog.crawlers if entry.recipe.signature]
    assert len(signers) >= 55
    assert len({entry.recipe.signature for entry in signers}) == len(signers)
    nameless = [entry for entry in signers if not entry.tokens]
    assert nameless
    assert all(catalog.by_name(entry.name) is entry for entry in nameless)
    assert all(entry.tokens or entry.recipe.signature for entry in catalog.crawlers)


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("ChatGPT agent", "https://chatgpt.com"),
        ("Google-Agent", "https://agent.bot.goog"),
        ("DuckAssistBot", "https://assistbot.duckduckgo.com"),
        ("YouBot", "https://you.com"),
        ("GrokAgent", "https://cursorusercontent.com"),
        ("Manus-User", "https://api.manus.im"),
        ("Browserbase", "https://www.browserbase.com"),
        (
            "Amazon Bedrock AgentCore Browser (EU West 1)",
            "https://c3drvlj8gw240.keydirectory.signer.eu-west-1.on.aws",
        ),
    ],
)
def test_whose_directory_it_is(catalog: Catalog, name: str, agent: str) -> None:
    entry = catalog.by_name(name)
    assert entry is not None
    assert entry.recipe.signature == f"{agent}/.well-known/http-message-signatures-directory"
    assert entry.crawler.verifiable


def test_every_list_that_is_named_is_shipped(catalog: Catalog, networks: Networks) -> None:
    named = {name for entry in catalog.crawlers for name in entry.recipe.networks}
    assert named == set(networks.lists)


@pytest.mark.parametrize(
    ("name", "operator", "uses"),
    [
        ("GPTBot", "OpenAI", {"ai-train"}),
        ("oai-searchbot", "OpenAI", {"ai-index", "ai-input"}),
        ("CHATGPT-USER", "OpenAI", {"ai-input"}),
        ("ClaudeBot", "Anthropic", {"ai-train"}),
        ("Googlebot", "Google", {"search"}),
        ("googlebot-image", "Google", {"search"}),
        ("Diffbot", "Diffbot", {"ai-train", "ai-index", "ai-input"}),
        ("Twitterbot", "X", set()),
    ],
)
def test_names_and_tokens_are_found_in_any_case(
    catalog: Catalog, name: str, operator: str, uses: set[str]
) -> None:
    entry = catalog.by_name(name)
    assert entry is not None
    assert (entry.crawler.operator, {use.value for use in entry.crawler.uses}) == (operator, uses)


def test_an_unknown_name_is_none(catalog: Catalog) -> None:
    assert catalog.by_name("nobody-at-all") is None


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.4; +https://openai.com/gptbot)",
            "GPTBot",
        ),
        ("Claude-User (claude-code/2.1.107; +https://support.anthropic.com/)", "claude-code"),
        (
            "Mozilla/5.0 (compatible; Claude-SearchBot/1.0; +Claude-SearchBot@anthropic.com)",
            "Claude-SearchBot",
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        ("Mozilla/5.0 (compatible; GoogleOther-Image/1.0)", "GoogleOther"),
        ("Google", "Gemini app"),
        ("Google/1.0", "Gemini app"),
        ("Cursor/3.0.16 (darwin arm64)", "Cursor"),
        ("facebookexternalhit/1.1 Facebot Twitterbot/1.0", "facebookexternalhit"),
        ("Twitterbot/1.0 GPTBot/1.2", "GPTBot"),
    ],
)
def test_whose_user_agent(catalog: Catalog, user_agent: str, name: str) -> None:
    entry = catalog.match(user_agent)
    assert entry is not None
    assert entry.name == name


@pytest.mark.parametrize(
    "user_agent",
    [
        "Google Maps/1.0",
        "Mozilla/5.0 (Macintosh) AppleWebKit/537.36 (KHTML, like Gecko) Cursor/3.0.12 Chrome/142.0 Electron/39.8.1 Safari/537.36",
        "Mozilla/5.0 (compatible; acapbot/0.1;treat like Googlebot)",
        "UniversalReader (+http://code.google.com/p/x)",
    ],
)
def test_what_claims_no_name(catalog: Catalog, user_agent: str) -> None:
    assert catalog.match(user_agent) is None


@pytest.mark.parametrize("token", ["Google-Extended", "Applebot-Extended"])
def test_a_robots_token_is_taken_at_the_worst_of_its_word(catalog: Catalog, token: str) -> None:
    reading = catalog.reading(f"Mozilla/5.0 (compatible; {token}/1.0; +http://www.example.com/bot.html)")
    entry = catalog.by_name(token)
    assert entry is not None
    assert entry.robots_only
    assert (reading.entry, reading.crawler, reading.visitor_class) == (None, entry.crawler, VisitorClass.AI)
    assert reading.reasons == (f"ua_robots_token:{token}",)
    assert catalog.match(f"{token}/1.0") is None


def test_a_robots_token_beside_a_name_changes_nothing(catalog: Catalog) -> None:
    entry = catalog.match("Google-Extended Googlebot/2.1")
    assert entry is not None
    assert entry.name == "Googlebot"


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        ("SomeNewFeedReader/2.0 (+https://reader.example)", "feed reader"),
        ("ArchivingRobot/1.0 (+https://library.example)", "archive"),
        ("MyUptimeBot/1.0", "monitor"),
        ("LinkPreviewer/1.0 (+https://chat.example)", "preview"),
    ],
)
def test_an_unknown_service_passes_by_its_kind(catalog: Catalog, user_agent: str, kind: str) -> None:
    reading = catalog.reading(user_agent)
    assert reading.visitor_class is VisitorClass.SERVICE
    assert reading.crawler is not None
    assert (reading.crawler.name, reading.crawler.uses) == (kind, frozenset())


@pytest.mark.parametrize(
    ("user_agent", "kind", "visitor_class"),
    [
        ("Newcomer-User/1.0", "AI assistant", VisitorClass.AI),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36; New-User/1.0",
            "AI assistant",
            VisitorClass.AI,
        ),
        (
            "Mozilla/5.0 (compatible; AI-SearchBot/0.1; +https://new.example/bot)",
            "AI search crawler",
            VisitorClass.AI,
        ),
        ("Claude-Newcomer/1.0", "AI crawler", VisitorClass.AI),
        ("LLM-Scraper", "AI crawler", VisitorClass.AI),
        ("newcomer-ai/2.0", "AI crawler", VisitorClass.AI),
        ("curl/8.5.0", "HTTP library", VisitorClass.AUTOMATION),
        ("NewBot/1.0", "unknown robot", VisitorClass.AUTOMATION),
        ("newcomer", "unknown robot", VisitorClass.AUTOMATION),
        (
            "Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36 (compatible; Shooter/1.0)",
            "unknown robot",
            VisitorClass.AUTOMATION,
        ),
    ],
)
def test_an_unknown_name_is_judged_by_its_form_and_names_no_crawler(
    catalog: Catalog, user_agent: str, kind: str, visitor_class: VisitorClass
) -> None:
    reading = catalog.reading(user_agent)
    assert reading.kind is not None
    assert (reading.kind.name, reading.visitor_class) == (kind, visitor_class)
    # A guess must not bind a license that was bought under another name.
    assert (reading.entry, reading.crawler, reading.declared) == (None, None, True)
    assert reading.reasons[0] == f"ua_kind:{kind}"


@pytest.mark.parametrize(
    "user_agent", ["", "-", "Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36"]
)
def test_what_hides_declares_nothing(catalog: Catalog, user_agent: str) -> None:
    reading = catalog.reading(user_agent)
    assert (reading.visitor_class, reading.declared, reading.kind) == (VisitorClass.AUTOMATION, False, None)


@pytest.mark.parametrize(
    "user_agent",
    ["New-AI feed reader/1.0", "Uptime check by llm-bot", "LinkPreview/1.0 (gpt)", "gpt-read-aloud/1.0"],
)
def test_a_service_stays_one_whatever_it_is_built_of(catalog: Catalog, user_agent: str) -> None:
    assert catalog.reading(user_agent).visitor_class is VisitorClass.SERVICE


def test_a_browser_is_never_asked_for_its_kind(catalog: Catalog) -> None:
    reading = catalog.reading(
        "Mozilla/5.0 (Linux; Android 14; Feed Monitor) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    )
    assert (reading.visitor_class, reading.reasons) == (VisitorClass.UNPROVEN, ())


@given(st.text(max_size=2000))
def test_no_user_agent_raises(text: str) -> None:
    assert isinstance(SHIPPED.reading(text).visitor_class, VisitorClass)


SHIPPED = Catalog.shipped()


@given(st.text(alphabet="abcdefgh /;()", max_size=60))
def test_saying_more_never_hides_an_ai_name(text: str) -> None:
    for user_agent in (f"GPTBot/1.2 {text}", f"Twitterbot/1.0 {text} GPTBot/1.2"):
        if "like gptbot" not in user_agent.lower():
            assert SHIPPED.reading(user_agent).visitor_class is VisitorClass.AI


def test_memory_for_user_agents_is_bounded(catalog: Catalog) -> None:
    fresh = Catalog(catalog.crawlers, catalog.kinds)
    for number in range(_REMEMBERED + 50):
        fresh.reading(f"visitor {number}")
    assert 0 < len(fresh._remembered) <= _REMEMBERED
    fresh.reading("x" * 100_000)
    assert max(map(len, fresh._remembered)) <= LONGEST + 1


def test_a_good_file_reads(tmp_path: Path) -> None:
    catalog = read(tmp_path, GOOD)
    entry = catalog.match("NewBot/1.0")
    assert entry is not None
    assert (entry.name, entry.checked, entry.crawler.verifiable) == ("NewBot", "2026-09-05", False)


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('class = "ai"', 'class = "robot"', "crawler[0].class"),
        ('class = "ai"', 'class = "unproven"', "crawler[0].class"),
        ('uses = ["ai-train"]', 'uses = ["everything"]', "crawler[0].uses[0]"),
        ('purposes = ["training"]', 'purposes = ["world peace"]', "crawler[0].purposes[0]"),
        ('tokens = ["NewBot"]', "tokens = []", "crawler[0]"),
        ('tokens = ["NewBot"]', 'tokens = ["x"]', "crawler[0].tokens"),
        ('robots = "obeys"', 'robots = "maybe"', "crawler[0].robots"),
        (
            'robots = "obeys"',
            'robots = "obeys"\nverify = { dns = ["googlebot.com"] }',
            "crawler[0].verify.dns",
        ),
        ('robots = "obeys"', 'robots = "obeys"\nverify = { dns = [".com"] }', "crawler[0].verify.dns"),
        (
            'robots = "obeys"',
            'robots = "obeys"\nverify = { signature = "http://x" }',
            "crawler[0].verify.signature",
        ),
        ("checked = 2026-09-05", "", "crawler[0]"),
        (
            'source = "https://new.example/bot"\nchecked = 2026-09-05',
            'note = "Obeys on Sundays."',
            "crawler[0]",
        ),
        ('operator = "New"', 'operator = "New"\ncolor = "red"', "crawler[0].color"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, before: str, after: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, GOOD.replace(before, after))
    assert [(mistake.file, mistake.key) for mistake in caught.value.mistakes] == [("new.toml", key)]


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD.replace("obeys", "maybe"), encoding="utf-8")
    (tmp_path / "b.toml").write_text("not toml at all", encoding="utf-8")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "d.toml").write_text(GOOD + GOOD, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Catalog.read(tmp_path)
    places = [(mistake.file, mistake.key) for mistake in caught.value.mistakes]
    assert places == [
        ("a.toml", "crawler[0].robots"),
        ("b.toml", ""),
        ("c.toml", ""),
        ("d.toml", "crawler[1].name"),
        ("d.toml", "crawler[1].tokens"),
    ]


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        Catalog.read(tmp_path)


def test_an_entry_is_found_by_its_signature_agent(catalog: Catalog) -> None:
    for spelling in ("https://chatgpt.com", "https://ChatGPT.com/", "https://chatgpt.com:443"):
        entry = catalog.by_signature(spelling)
        assert entry is not None
        assert entry.crawler.operator == "OpenAI"
    assert catalog.by_signature("https://chatgpt.com/keys.json") is None
    assert catalog.by_signature("https://evil.example") is None
    assert catalog.by_signature("") is None
