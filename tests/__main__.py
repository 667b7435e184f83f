"""All of `make test`: everything on SQLite, and beside it what touches a database on PostgreSQL.

    python -m tests [pytest's arguments]

Two processes, because most tests wait for others. What measures how long people wait runs afterwards, alone.
"""

import os
import shutil
import subprocess
import sys
import tempfile

NOTHING_COLLECTED = 5


def start(module, phase, arguments, **options):
    """Start one of the four runs; a -m among the arguments decides instead of the phase."""
    chosen = [] if "-m" in arguments else ["-m", phase]
    command = [sys.executable, "-m", module, *chosen, *arguments]
    env = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
    return subprocess.Popen(command, env=os.environ if module != "pytest" else env, **options)


def main(arguments):
    with tempfile.TemporaryFile() as output:
        beside = start(
            "tests.postgres",
            "(database or postgres) and not (live or alone)",
            arguments,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        codes = [start("pytest", "not live and not alone", arguments).wait(), beside.wait()]
        output.seek(0)
        shutil.copyfileobj(output, sys.stdout.buffer)
        sys.stdout.flush()
    if "-m" not in arguments:
        codes.append(start("pytest", "alone and not live", arguments).wait())
        alone = "alone and (database or postgres) and not live"
        codes.append(start("tests.postgres", alone, arguments).wait())
    return next((code for code in codes if code not in (0, NOTHING_COLLECTED)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
