"""`python -m jaxinfo.cli`: the command `jaxinfo`."""

import sys

from jaxinfo.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
