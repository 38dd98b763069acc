"""`SavedViews`: names that somebody gave to what a table shows, each person's apart."""

from __future__ import annotations

from dataclasses import replace

from gateway.dashboard.saved_views import Kept, SavedView

VIEW = SavedView("vi_1", "pe_1", "/log", "Quoted", "decision=quoted", 1000)


async def test_a_view_comes_back_by_page_and_name_and_is_its_persons_alone(ports):
    book = ports.saved_views
    other = replace(VIEW, id="vi_2", name="Ärger", query="")
    home = replace(VIEW, id="vi_3", path="/", name="Home")
    for each in (VIEW, other, home, replace(VIEW, id="vi_4", person="pe_2")):
        assert await book.keep(each, 9) is Kept.DONE
    assert await book.of("pe_1") == (home, VIEW, other)
    assert [each.id for each in await book.of("pe_2")] == ["vi_4"]
    assert await book.of("pe_3") == ()


async def test_the_same_name_on_the_same_page_is_the_same_view(ports):
    book = ports.saved_views
    assert await book.keep(VIEW, 1) is Kept.DONE
    again = replace(VIEW, id="vi_9", query="decision=free", at=2000)
    assert await book.keep(again, 1) is Kept.DONE, "one in its place needs no room"
    assert await book.of("pe_1") == (replace(again, id="vi_1"),)
    assert await book.keep(replace(VIEW, id="vi_2", name="More"), 1) is Kept.FULL
    assert await book.keep(replace(VIEW, id="vi_2", name="More", person="pe_2"), 1) is Kept.DONE
    assert len(await book.of("pe_1")) == 1


async def test_a_name_is_changed_where_it_is_free_and_by_its_person(ports):
    book = ports.saved_views
    for each in (
        VIEW,
        replace(VIEW, id="vi_2", name="Free"),
        replace(VIEW, id="vi_3", path="/", name="Home"),
    ):
        await book.keep(each, 9)
    assert await book.rename("pe_1", "vi_1", "Free") is Kept.TAKEN
    assert await book.rename("pe_2", "vi_1", "Mine") is Kept.MISSING
    assert await book.rename("pe_1", "vi_9", "Mine") is Kept.MISSING
    assert await book.rename("pe_1", "vi_1", "Quoted") is Kept.DONE, "its own name is free to it"
    assert await book.rename("pe_1", "vi_1", "Home") is Kept.DONE, "a name is single on its page alone"
    assert [each.name for each in await book.of("pe_1")] == ["Home", "Free", "Home"]


async def test_a_view_is_removed_by_its_person_once(ports):
    book = ports.saved_views
    await book.keep(VIEW, 9)
    assert not await book.remove("pe_2", "vi_1")
    assert await book.remove("pe_1", "vi_1")
    assert not await book.remove("pe_1", "vi_1")
    assert await book.of("pe_1") == ()


async def test_who_goes_takes_every_view_along_and_nobody_elses(ports):
    book = ports.saved_views
    for each in (VIEW, replace(VIEW, id="vi_2", path="/"), replace(VIEW, id="vi_3", person="pe_2")):
        await book.keep(each, 9)
    assert await book.forget("pe_1") == 2
    assert await book.forget("pe_1") == 0
    assert await book.of("pe_1") == ()
    assert [each.id for each in await book.of("pe_2")] == ["vi_3"]
