"""DOOR 1: everyone who asks a creator's site for a page.

Owns: the listener, each client's `connection` and every octet written to it
(`wire`), what header lines say (`header_block`, `guard`), the path of a request
(`exchange`), what answers look like (`responses`), the control files of a site
(`notices`), the way to the desk, the record of what happened as seen from the
path (`remember`).

Does not own: any decision about rights or money, the desk, any store.

Invariant: `exchange` is the one place where the order and the branches of a
request live; nothing it calls branches on who called it. The path is one
coroutine that is driven by hand (`gateway.stepping`): it takes no task, and
goes on in the call that ends a wait.
"""
