"""`dashboard.saved_views.SavedViews` in memory."""

from __future__ import annotations

from dataclasses import replace

from gateway.dashboard.saved_views import Kept, SavedView


class MemorySavedViews:
    """Views, gone with the process."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._kept = dict[str, SavedView]()

    async def keep(self, view: SavedView, most: int) -> Kept:
        """Keep *view*; see the port."""
        mine = await self.of(view.person)
        same = next((each for each in mine if (each.path, each.name) == (view.path, view.name)), None)
        if same is None and len(mine) >= most:
            return Kept.FULL
        id = same.id if same else view.id
        self._kept[id] = replace(view, id=id)
        return Kept.DONE

    async def of(self, person: str) -> tuple[SavedView, ...]:
        """The views of *person*."""
        found = (each for each in self._kept.values() if each.person == person)
        return tuple(sorted(found, key=lambda each: (each.path, each.name)))

    async def rename(self, person: str, id: str, name: str) -> Kept:
        """Give one of *person* another *name*."""
        mine = await self.of(person)
        one = next((each for each in mine if each.id == id), None)
        if one is None:
            return Kept.MISSING
        if any((each.path, each.name) == (one.path, name) and each.id != id for each in mine):
            return Kept.TAKEN
        self._kept[id] = replace(one, name=name)
        return Kept.DONE

    async def remove(self, person: str, id: str) -> bool:
        """Forget one of *person*."""
        one = self._kept.get(id)
        if one is None or one.person != person:
            return False
        del self._kept[id]
        return True

    async def forget(self, person: str) -> int:
        """Forget all of *person*."""
        gone = await self.of(person)
        for each in gone:
            del self._kept[each.id]
        return len(gone)
