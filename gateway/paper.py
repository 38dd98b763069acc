"""What the public pages are printed on: one style for refusals and the desk, allowed by its hash.

The pages run and load nothing; their only style stands in the page, and the
Content-Security-Policy (Level 3, W3C working draft) names it by SHA-256, so
that nothing else may be styled or run. Light or dark as the reader's system is.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Final

STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.55 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1.2rem}"
    "h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.1rem;margin-top:2.2rem}"
    "pre{overflow-x:auto;padding:.8rem 1rem;border:1px solid #8886;border-radius:.4rem}"
    "code{font-family:ui-monospace,monospace;font-size:.92em;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%;font-size:.92em}td,th{text-align:left;"
    "padding:.4rem .8rem .4rem 0;border-bottom:1px solid #8884;vertical-align:top}"
    "pre code{overflow-wrap:normal}.wide{overflow-x:auto}"
)
CONTENT_SECURITY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
