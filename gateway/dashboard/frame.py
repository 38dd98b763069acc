"""What every page of the dashboard is drawn in, and where a table finds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from aiohttp import web


class Frame(Protocol):
    """What the dashboard does for every page: draws it, and knows the forms of its session."""

    def render(
        self, request: web.Request, template: str, context: Mapping[str, object], *, status: int = 200
    ) -> web.Response:
        """Draw *template* in the frame of the pages."""
        ...

    async def form_of(self, request: web.Request) -> Mapping[str, str]:
        """The fields of a form that this session was given; raises `HTTPForbidden` for any other."""
        ...


#: What the pages of an application are drawn in.
FRAME: Final = web.AppKey("licet.frame", Frame)
