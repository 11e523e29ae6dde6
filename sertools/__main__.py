"""Entry point of the command `sertools` and of `python -m sertools`."""

import sys


def start() -> None:
    """Runs the command line; an interrupt while it is still being imported ends it in the same way."""
    try:
        from sertools.cli.app import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()


if __name__ == "__main__":
    start()
