"""`python -m sertools` is `sertools`."""

from sertools.cli import main

main()
