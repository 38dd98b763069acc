"""DOOR 1: everyone who asks a creator's site for a page.

Owns: the listener, the path of a request (`exchange`), what answers look like
(`responses`), the control files of a site (`notices`), the record of what
happened as seen from the path (`remember`).

Does not own: any decision about rights or money, the desk, any store.

Invariant: `exchange` is the one place where the order and the branches of a
request live; nothing it calls branches on who called it, and nothing below the
listener knows an HTTP library.
"""
