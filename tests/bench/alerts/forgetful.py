"""A relay in which few facts wait for the database. For `fire.py`."""

import sys

from relay import cli
from relay.store import store

if __name__ == "__main__":
    store.MOST_WAITING = 20
    sys.exit(cli.main())
