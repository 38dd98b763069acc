"""`python -m gateway` is the `licet` command."""

from gateway.cli import main

main()
