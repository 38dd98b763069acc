"""What do the creator's rules say about this visitor and this page?

Owns: the frozen `Policy` of a site, reading it from TOML with every mistake at
once, the pure `rule`, the projection `publish` that all formats render, lint,
whole-or-not-at-all reload, and the grid of consent: a policy as cells of *free, paid,
ask me, no* (`consent_grid`), and such cells as its text (`consent_text`).

Does not own: whether a token covers a page (admission), or how terms look on
the wire (terms).

Invariants: the first rule that matches decides, and every ruling names it and
the digest of the policy; the digest leaves `position` out; a use nobody set
means no; what is unsure is never for sale; what the grid writes it reads back as
it was set, and what it cannot say it leaves as it was written.
"""
