import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.paths import PathScope
from gateway.policy import words
from gateway.policy.rules import TerritoryMode, Verdict
from gateway.visitors.catalog import Purpose

GOOD = [
    (words.Amount, "0.02", "0.02"),
    (words.Amount, "500", "500"),
    (words.Amount, "USD 0.0001", "0.0001 USD"),
    (words.Amount, "0.020000", "0.02"),
    (words.BasisPoints, "3 %", 300),
    (words.BasisPoints, "2.25%", 225),
    (words.BasisPoints, "100 %", 10_000),
    (words.ShareMicros, "33.3333 %", 333_333),
    (words.ShareMicros, "0.0001 %", 1),
    (words.Multiple, "0.55", 550_000),
    (words.Hosts, "Journal.Example.", ("journal.example",)),
    (words.Hosts, ["*", "a.b", "a.b"], ("*", "a.b")),
    (words.Hosts, "127.0.0.1", ("127.0.0.1",)),
    (words.Origin, "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    (words.Origin, "HTTPS://Journal.Example:443/", "https://journal.example"),
    (words.Origin, "http://[::1]:80", "http://[::1]"),
    (words.Public, "", ""),
    (words.Paths, "/essays/", (PathScope("/essays/"),)),
    (words.Paths, ["/a", "/v/*.vtt", "/a"], (PathScope("/a"), PathScope("/v/*.vtt"))),
    (words.CrawlerNames, ["GPTBot", "gptbot"], ("gptbot",)),
    (words.Regions, ["de", "EU"], ("DE", "EU")),
    (words.TerritoryWords, "worldwide", None),
    (words.Then, "serve", (Verdict.SERVE, ())),
    (words.Then, {"license": "one"}, (Verdict.LICENSE, ("one",))),
    (words.Line, " The Journal ", "The Journal"),
    (words.HoneypotPath, "/k7w2m9qd4tzx", "/k7w2m9qd4tzx"),
    (words.HoneypotPath, "", ""),
    (words.TerritoryModeWord, "observe", TerritoryMode.OBSERVE),
]
BAD = [
    (words.HoneypotPath, ["/admin", "/private-archive", "k7w2m9qd4tzx", "/K7W2M9QD4TZX", "/k7w2/m9qd4tzx", True, 7, None]),
    (words.TerritoryModeWord, ["on", "Observe", True, None]),
    (words.Amount, [0.02, 1, "", "-1", "1,5", ".5", "1e3", "0.0000001", "USD", "1 usd", "9" * 13, None, True]),
    (words.BasisPoints, ["3", "3.123 %", "101 %", "-1 %", "%", 3, None]),
    (words.ShareMicros, ["0.00001 %", "x %", 50]),
    (words.Multiple, ["-1", "1.0x", 1.0, "", "1234567"]),
    (words.Hosts, ["http://a", "a:80", "a/b", "*.a", "a b", "-a", "münchen.example", "", [], 3, ["a", 3]]),
    (
        words.Origin,
        ["127.0.0.1:8000", "http://", "http://a/b", "http://a?b", "http://a#", "http://u@a", "ftp://a", "http://a:x",
         "http://a:99999", "http://a:0", "http://a:", "http://a b", "http://[::1", "//a", 8000],
    ),
    (words.Paths, ["essays", "", "/a/../b", "/a//b", "/%74", "/a/*", "/*", "/a?b", "/a;b", [], 3, ["/a", 3]]),
    (words.CrawlerNames, ["", " ", [], 3]),
    (words.Regions, ["UK", "Germany", []]),
    (words.Then, ["license", {}, {"license": []}, {"license": "one", "x": 1}, {"licence": "one"}, None, ["serve"], 3]),
    (words.Line, ["a\nb", "a\x00", "x" * 301, 3]),
    (words.Flag, [1, 0, "true", None]),
    (words.Days, [True, -1, 1.0, "1"]),
    (words.Name, ["A", "", "-a", "a b", "a.b", "a" * 65, 3]),
    (words.ModeWord, ["Enforce", "", 3, None, ["observe"]]),
    (words.Otherwise, ["license", True]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "read"), GOOD)
def test_good(kind, written, read):
    assert TypeAdapter(kind).validate_python(written, strict=True) == read


@pytest.mark.parametrize(("kind", "written"), [(kind, value) for kind, values in BAD for value in values])
def test_bad_is_told_in_our_own_words(kind, written):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(written, strict=True)
    (error,) = caught.value.errors()
    assert error["type"] in {"licet", "licet-named"}
    assert error["msg"][0].islower() or error["msg"][0] == '"'


KINDS = sorted(name for name in vars(words) if hasattr(getattr(words, name), "__metadata__"))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(KINDS), ANYTHING | st.text(alphabet="/*%.:[]@htps0123456789 EUR", max_size=20))
def test_nothing_else_is_ever_raised(name, written):
    try:
        TypeAdapter(getattr(words, name)).validate_python(written, strict=True)
    except ValidationError as error:
        assert {item["type"] for item in error.errors()} <= {"licet", "licet-named"}


def test_purposes_are_those_of_the_catalog():
    assert set(words.PURPOSES) == set(Purpose.__args__)


def test_quoted():
    assert words.quoted(["a"]) == '"a"'
    assert words.quoted(("a", "b", "c")) == '"a", "b" or "c"'
