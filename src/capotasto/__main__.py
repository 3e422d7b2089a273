"""`python -m capotasto`, the same as `capo`."""

import sys

from capotasto.cli import main

if __name__ == "__main__":
    sys.exit(main())
