"""From a page that shows some columns of a table to the table alone, which has any of them.

A page is laid out by hand, with columns of its own; ``columns=`` in its address
is a question that its table answers, at the same address with ``.html``. Pages
that choose their columns themselves have no such table and are left alone.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler


@web.middleware
async def led_on(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lead whoever asks a page for ``columns=`` to its table, where that is a page of its own."""
    if request.method != "GET" or "columns" not in request.query:
        return await handler(request)
    resource = request.match_info.route.resource
    known = {each.canonical for each in request.app.router.resources()}
    # A paper has an address with .html as well, but no rows.
    if resource is None or not {f"{resource.canonical}.html", f"{resource.canonical}.csv"} <= known:
        return await handler(request)
    raise web.HTTPSeeOther(f"{request.rel_url.raw_path}.html?{request.rel_url.raw_query_string}")
