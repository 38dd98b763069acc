"""Form, TOML, form: what is set in the grid is what the file says, and nothing else of it changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import bundled
from gateway.policy.advice import advice_for
from gateway.policy.consent_grid import UNITS, Cell, Consent, Place
from gateway.policy.consent_text import normal, read_grid, write_choices
from gateway.policy.imagined import imagined_ask
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Verdict
from gateway.policy.ruling import rule
from gateway.uses import Use
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity, Visitor, VisitorClass

SITE = """# what the journal allows
{stance}
otherwise = "refuse"

[site]   # who we are
hosts  = ["journal.example"]
origin = "http://127.0.0.1:8000"

# ---- works ----

[[works]]
id     = "essays"                    # my essays
paths  = ["/essays/"]
rights = "own"
people = "none"

[[works]]
id     = "videos"
paths  = ["/videos/", "/clips/"]
rights = "own"
people = "none"
renditions = {{ transcript = ["/videos/*.vtt"] }}
{rest}"""
STANCE = SITE.format(stance='stance = "search-free-training-paid"', rest="")
NOTHING = SITE.format(stance="", rest='\n[[rules]]\nwhen = { class = "unproven" }\nthen = "serve"\n')
BY_HAND = SITE.format(
    stance="",
    rest="""
# ---- what is sold ----
[offers.archive]                     # by hand, with ages
uses  = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.02", by_age = [{ from_days = 365, per_fetch = "0.01" }] }

[offers.launch]
uses  = ["ai-train"]
works = ["videos"]
renditions = ["page", "transcript"]

[offers.launch.price]
upfront    = "900"
milestones = [{ when = "launch", share = "25 %", shown_by = "operator" }]

[offers.launch.position]
floor = "0.4"

[offers.plain]
uses  = ["ai-input"]
price = { per_fetch = "0.004" }

# ---- rules ----

# never
[[rules]]
when = { crawler = "Bytespider" }
then = "refuse"

[[rules]]                            # by proof
when = { purpose = "search", proof = ["verified", "claimed"] }
then = "serve"

# models
[[rules]]
when = { use = "ai-train" }
then = { license = ["archive", "launch"] }

[[rules]]
when = { use = "ai-input" }
then = { license = ["plain"] }

[[rules]]
when = { class = "automation", proof = "none" }
then = "refuse"

[[rules]]
then = "serve"
""",
)
ESSAYS, VIDEOS, TRANSCRIPT = Place("essays"), Place("videos"), Place("videos", "transcript")
PLACES = (ESSAYS, VIDEOS, TRANSCRIPT)
FILE = "journal.toml"
_OPEN = {Consent.NO: 0, Consent.ASK: 1, Consent.PAID: 2, Consent.FREE: 3}

amounts = st.integers(1, 10**9).map(lambda micros: f"{micros // 10**6}.{micros % 10**6:06d}")
cells = st.one_of(
    st.sampled_from([Cell(Consent.FREE), Cell(Consent.NO)]),
    st.builds(Cell, st.sampled_from([Consent.PAID, Consent.ASK]), amounts, st.sampled_from(sorted(UNITS))),
)
keys = st.tuples(st.sampled_from(PLACES), st.sampled_from(list(Use)))


def sound(form):
    """*form* where fine-tuning, a part of training, is at least as open."""
    mended = dict(form)
    for place in PLACES:
        train, tune = mended.get((place, Use.AI_TRAIN)), mended.get((place, Use.FINE_TUNE))
        if train and tune and _OPEN[tune.consent] < _OPEN[train.consent]:
            mended[place, Use.FINE_TUNE] = train
    return mended


forms = st.fixed_dictionaries({(place, use): cells for place in PLACES for use in Use}).map(sound)
parts = st.dictionaries(keys, cells, max_size=6).map(sound)


def as_kept(form):
    return {key: normal(cell, "USD") for key, cell in form.items()}


def said(cell):
    """What a cell says, without who wrote it."""
    return cell.cell, cell.locked, cell.offers


@settings(max_examples=10, deadline=None)
@given(form=forms, earlier=parts)
def test_a_whole_form_is_read_back_as_it_was_sent_whatever_stood_there(form, earlier):
    for text in (STANCE, NOTHING):
        before = write_choices(text, FILE, earlier)
        written = write_choices(before.text or text, FILE, form)
        assert written.mistakes == ()
        assert read_grid(written.text, FILE).chosen() == as_kept(form)
        assert write_choices(written.text, FILE, form).text == written.text


@settings(max_examples=10, deadline=None)
@given(changes=parts, more=parts)
def test_a_part_is_read_back_and_everything_else_says_what_it_said(changes, more):
    for text in (STANCE, NOTHING, BY_HAND):
        now = text
        for form in (changes, more):
            before = read_grid(now, FILE)
            written = write_choices(now, FILE, form)
            if written.mistakes:
                assert written.text == ""
                assert all(each.expected for each in written.mistakes)
                continue
            after = read_grid(written.text, FILE)
            assert as_kept(form).items() <= after.chosen().items()
            touched = {place.work for place, _ in form}
            for key, found in before.cells.items():
                if key in form or (key[1] is Use.FINE_TUNE and key[0].work in touched):
                    # A part of training: what is said of that may bring it along.
                    continue
                if key[0].work not in touched or found.locked:
                    assert said(after.cells[key]) == said(found)
                elif found.cell is None and not found.mixed:
                    assert after.cells[key].cell is None
                elif found.cell:
                    assert after.cells[key].cell.consent is found.cell.consent
            kept = [line for line in now.splitlines() if "#" in line and "the consent page" not in line]
            assert [line for line in written.text.splitlines() if line in kept] == kept
            now = written.text


@settings(max_examples=5, deadline=None)
@given(form=forms)
def test_crawlers_meet_what_the_form_says(form):
    policy = read_policy_text(write_choices(STANCE, FILE, form).text, FILE)
    paths = {ESSAYS: "/essays/a", VIDEOS: "/clips/a", TRANSCRIPT: "/videos/a.vtt"}
    for entry in Catalog.shipped().crawlers:
        crawler = entry.crawler
        if not crawler.uses:
            continue
        identity = Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
        visitor = Visitor(crawler.visitor_class, crawler, identity)
        for place, path in paths.items():
            wanted = [form[place, use].consent for use in crawler.uses]
            ruling = rule(policy, visitor, imagined_ask(policy, path, "", "", ""), crawler.uses)
            if Consent.NO in wanted:
                assert ruling.verdict is Verdict.REFUSE, (crawler.name, place)
            elif set(wanted) == {Consent.FREE}:
                assert ruling.verdict is Verdict.SERVE, (crawler.name, place)
            else:
                assert ruling.verdict is Verdict.LICENSE, (crawler.name, place)
                if Consent.ASK not in wanted:
                    assert any(crawler.uses <= offer.uses and not offer.by_person for offer in ruling.offers)


def test_what_is_free_now_may_have_been_sold_together():
    sold = {
        (VIDEOS, Use.AI_TRAIN): Cell(Consent.PAID, "1"),
        (VIDEOS, Use.SEARCH): Cell(Consent.PAID, "1", "subscription"),
    }
    form = {(place, use): Cell(Consent.FREE) for place in PLACES for use in Use}
    written = write_choices(write_choices(NOTHING, FILE, sold).text, FILE, form)
    assert read_grid(written.text, FILE).chosen() == form
    assert "offers" not in tomllib.loads(written.text)


def test_a_cell_by_hand_is_left_and_a_wish_for_it_says_where_to_go():
    written = write_choices(BY_HAND, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(Consent.NO)})
    (mistake,) = written.mistakes
    assert mistake.key == "offers.archive"
    assert "editor" in mistake.expected
    other = write_choices(BY_HAND, FILE, {(ESSAYS, Use.AI_INDEX): Cell(Consent.NO)})
    assert read_grid(other.text, FILE).cells[ESSAYS, Use.AI_TRAIN].offers == ("archive",)
    offers = tomllib.loads(other.text)["offers"]
    assert offers == tomllib.loads(BY_HAND)["offers"]


def test_the_rest_of_the_file_stays_octet_by_octet():
    written = write_choices(BY_HAND, FILE, {(VIDEOS, Use.TDM): Cell(Consent.NO)}).text
    block = written.index("# Consent for the work")
    assert written[:block] == BY_HAND[:block]
    assert written.endswith(BY_HAND[block:])
    assert written.index("Bytespider") < block < written.index("# models")


def test_programs_that_nobody_knows_are_served_where_they_were():
    policy = read_policy_text(
        write_choices(STANCE, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(Consent.NO)}).text, FILE
    )
    unknown = Visitor(VisitorClass.AUTOMATION, None, Identity.NONE)
    ask = imagined_ask(policy, "/essays/a", "", "", "")
    assert rule(policy, unknown, ask, unknown.uses).verdict is Verdict.SERVE
    strict = write_choices(BY_HAND, FILE, {(ESSAYS, Use.AI_INDEX): Cell(Consent.NO)}).text
    assert rule(read_policy_text(strict, FILE), unknown, ask, unknown.uses).verdict is Verdict.REFUSE


def test_what_a_stance_sold_together_with_a_refused_use_keeps_its_price_on_an_offer_of_its_own():
    text = write_choices(STANCE, FILE, {(ESSAYS, Use.AI_INPUT): Cell(Consent.NO)}).text
    assert read_grid(text, FILE).cells[ESSAYS, Use.AI_INDEX].cell == Cell(Consent.PAID, "0.004")


def test_an_offer_by_hand_that_sells_a_refused_use_along_with_another_is_in_the_way():
    text = BY_HAND.replace('uses  = ["ai-input"]', 'uses  = ["ai-input", "ai-index"]')
    text = text.replace('when = { use = "ai-input" }', 'when = { use = ["ai-input", "ai-index"] }')
    (mistake,) = write_choices(text, FILE, {(ESSAYS, Use.AI_INPUT): Cell(Consent.NO)}).mistakes
    assert mistake.key == "offers.plain"
    assert "ai-index" in mistake.expected
    both = {(ESSAYS, use): Cell(Consent.NO) for use in (Use.AI_INPUT, Use.AI_INDEX)}
    assert write_choices(text, FILE, both).mistakes == ()


def test_no_offer_goes_on_to_sell_what_was_refused():
    text = write_choices(STANCE, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(Consent.NO)}).text
    for offer in read_policy_text(text, FILE).offers:
        if Use.AI_TRAIN in offer.uses:
            assert offer.terms.scope.works == ("videos",)
            assert all(not scope.covers("/essays/a") for scope in offer.terms.scope.paths)


@pytest.mark.parametrize("amount", ["", "0", "-1", "1 000", "1e3", "0.0000001", "abc", "1\n2", '1"'])
def test_an_amount_that_is_none_is_told(amount):
    for consent in (Consent.PAID, Consent.ASK):
        (mistake,) = write_choices(STANCE, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(consent, amount)}).mistakes
        assert "0.02" in mistake.expected


def test_nothing_that_the_grid_writes_is_said_to_be_unreachable():
    form = {(place, use): Cell(Consent.NO) for place in PLACES for use in Use}
    policy = read_policy_text(write_choices(STANCE, FILE, form).text, FILE)
    assert not [each for each in advice_for(policy, Catalog.shipped()) if "never match" in each.sentence]


def test_what_is_never_for_sale_gets_no_price():
    text = STANCE.replace('rights = "own"', 'rights = "unsure"', 1)
    (mistake,) = write_choices(text, FILE, {(ESSAYS, Use.TDM): Cell(Consent.PAID, "1")}).mistakes
    assert "never for sale" in mistake.expected


def test_training_without_its_part_is_a_contradiction_that_is_told():
    form = {(ESSAYS, Use.AI_TRAIN): Cell(Consent.FREE), (ESSAYS, Use.FINE_TUNE): Cell(Consent.NO)}
    (mistake,) = write_choices(STANCE, FILE, form).mistakes
    assert "fine-tune" in mistake.expected


def test_a_rule_above_that_decides_first_is_named():
    text = BY_HAND.replace("# models", '[[rules]]\nwhen = { work = "essays" }\nthen = "serve"\n\n# models')
    first = write_choices(text, FILE, {(ESSAYS, Use.TDM): Cell(Consent.NO)}).text
    moved = first.replace("[[rules]]", '[[rules]]\nwhen = { work = "essays" }\nthen = "serve"\n[[rules]]', 1)
    (mistake,) = write_choices(
        moved, FILE, {(ESSAYS, Use.TDM): Cell(Consent.FREE), (ESSAYS, Use.AI_INDEX): Cell(Consent.NO)}
    ).mistakes
    assert mistake.key == "rules[0]"


@pytest.mark.parametrize(
    ("rules", "changed"),
    [('rules = [{ then = "serve" }]\n', False), ('[[ rules ]] # every one\nthen = "serve"\n', True)],
)
def test_a_file_written_in_an_unusual_way_is_never_broken(rules, changed):
    head, works = NOTHING.split("[site]", 1)
    works = works.split("[[rules]]")[0]
    text = f"{head}[site]{works}{rules}" if changed else f"{head}{rules}[site]{works}"
    written = write_choices(text, FILE, {(ESSAYS, Use.TDM): Cell(Consent.NO)})
    assert bool(written.text) is changed
    if changed:
        assert read_grid(written.text, FILE).chosen()[ESSAYS, Use.TDM] == Cell(Consent.NO)
    else:
        assert written.mistakes[0].key == "rules"


def test_the_shipped_example_can_be_changed_and_keeps_every_comment():
    text = Path(bundled.policies("example-site.toml")).read_text("utf-8")
    written = write_choices(text, "example-site.toml", {(ESSAYS, Use.AI_INDEX): Cell(Consent.NO)})
    assert written.mistakes == () or written.mistakes[0].key
    assert not written.text or set(text.splitlines()) <= set(written.text.splitlines())


def test_a_work_whose_cells_are_all_set_again_loses_the_offers_it_no_longer_needs():
    paid = write_choices(STANCE, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(Consent.PAID, "0.05")}).text
    assert "essays-ai-train" in tomllib.loads(paid)["offers"]
    none = write_choices(paid, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(Consent.NO)}).text
    assert "essays-ai-train" not in tomllib.loads(none).get("offers", {})


def test_what_was_added_to_an_offer_of_the_grid_by_hand_stays():
    paid = write_choices(STANCE, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(Consent.PAID, "0.05")}).text
    more = paid.replace(
        'price = { per_fetch = "0.05" }', 'price = { per_fetch = "0.05" }\nwindow_hours = 48 # two days'
    )
    again = write_choices(more, FILE, {(ESSAYS, Use.AI_TRAIN): Cell(Consent.PAID, "0.07")}).text
    assert "window_hours = 48 # two days" in again
    assert tomllib.loads(again)["offers"]["essays-ai-train"]["price"] == {"per_fetch": "0.07"}
