"""All of `make test`: everything on SQLite, then what touches a database on PostgreSQL.

python -m tests [pytest's arguments]
"""

import os
import sys

from tests import postgres
from tests.phases import run_pytest


def main(arguments):
    on_sqlite = {name: v for name, v in os.environ.items() if name != "TEST_DATABASE_URL"}
    return run_pytest("not live", arguments, on_sqlite) or postgres.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
