"""Door 3: the operator reads what machines took, who paid, and what is owed.

Owns: the people who may sign in, their roles and sessions (`people`, `sessions`,
`passkeys`, `oidc`), what each role may do (`permissions`), the notes of what
administrators did (`admin_log`), the API of the pages (`api`), the filter
language of the log (`filters`), the read-only port `queries.AccessLog`, the tables about machines
(`log_pages`), the rules as they are read, asked, changed and taken back
(`policy_pages`), the pages, their exports and the live list; charts (`plots`),
periods beside another (`periods`, `compared`) and views that somebody named (`saved_views`); the inbox of
negotiations (`deals`, `deal_pages`); what works are worth: value memo, price
calculator, the creator's figures, dossiers (`worth_pages`).

Does not own: what a record says (provenance), what is owed (billing), any
policy's meaning. Nothing here writes to a store but what the operator decides about a
negotiation and its buyer, by `licenses.deciding`, and about a licensee or a
license (`holder_pages`), and the views that people name (`saved_views`). The only files it writes are
the operator's own (`sessions`), the creator's figures (`figure_shelf`), and a
policy that the operator puts in force, with its versions (`policy_shelf`).

Invariants: it has its own listener and is never reachable through the front's
port; it answers only to host names it was told (DNS rebinding); every page but
sign-in and ``/healthz`` needs a session, and every address one permission of one
table; what changes something leaves a note in the journal, or is not done; every
changing request needs both proof of same origin and a form token, or by the API
a key; every string that a crawler can choose
is shown escaped, with control and direction characters spelled out; an export
holds exactly the rows of the view whose address it shares; personal detail
stands on a record's own page and nowhere else, an address there only once it was
asked for, which is noted; a floor stands on a negotiation's own page, on the
calculator's and in a policy's text and nowhere else, for owners alone; pages but
that of passkeys work without JavaScript, and none asks another origin for anything.
"""
