"""Entry point of `python -m sertools`, same as the command `sertools`."""

from sertools.cli.app import main

main()
