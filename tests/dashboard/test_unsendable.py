"""What is taken out of a page and what stays."""

from __future__ import annotations

from gateway.dashboard.unsendable import actions_of, without_forms

PAGE = """<form method="get" action="/log"><input></form>
<form class="card" method="post" action="/licenses/a%20b/revoke"><button>Revoke</button></form>
<p>&lt;form method="post" action="/escaped"&gt;</p>
<form method="post" action="/account/password">
<button>x</button></form>"""


def test_the_forms_that_change_something_are_found():
    assert actions_of(PAGE) == {"/licenses/a%20b/revoke", "/account/password"}


def test_what_may_not_be_sent_is_gone_and_everything_else_stays():
    left = without_forms(PAGE, lambda path: path.startswith("/account"))
    assert "Revoke" not in left
    assert left.count("<form") == 2
    assert 'action="/account/password"' in left
    assert left.count("Your role does not include doing this.") == 1
    assert without_forms(PAGE, lambda _path: True) == PAGE
