"""Who is asking?

Owns: the catalog of crawlers, product tokens in User-Agents, published
networks, the client's address behind trusted proxies, and `identify`, which
weighs all of it into one `Visitor`.

Does not own: what happens to a visitor (policy), or any state about people.

Invariant: identifying never raises and never waits; doubt is a weaker proof.
"""
