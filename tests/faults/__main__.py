"""`python -m tests.faults`: pull the plug, count what was lost and what was done twice, and keep the figures.

python -m tests.faults                                  all of it, on SQLite and, where it is installed, PostgreSQL
python -m tests.faults --only kill --seed 7 --database sqlite
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from bench import report
from tests.faults.groups import GROUPS
from tests.postgres import find_programs, private_server

KILLS = {True: 4, False: 130}


@contextmanager
def _server_variables():
    """Run a PostgreSQL of these trials' own, because some restart it."""
    with private_server(find_programs()) as url:
        import psycopg

        with psycopg.connect(url, autocommit=True) as server:
            # The tests' servers may forget a commit; to these trials that would look like a lost message.
            server.execute("ALTER ROLE postgres SET synchronous_commit = 'on'")
        yield {"TEST_DATABASE_URL": url, "FAULTS_POSTGRES": "own"}


def _databases(choice):
    if choice != "both":
        return [choice]
    return ["sqlite", "postgres"] if find_programs() else ["sqlite"]


def _run(database, options, folder):
    """Run the groups on one database, in a process of its own; returns their rows."""
    output = folder / f"{database}.jsonl"
    output.touch()
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.zygote", "--output", output]
    command += ["--seed", str(options.seed), "--at-once", str(options.at_once)]
    command += ["--kills", str(KILLS[options.short] if options.kills is None else options.kills)]
    command += ["--only", *options.only] if options.only else []
    command += ["--scenarios", *options.scenarios] if options.scenarios else []
    command += ["--short"] if options.short else []
    with _server_variables() if database == "postgres" else nullcontext({}) as variables:
        env = {k: v for k, v in os.environ.items() if k != "TEST_DATABASE_URL"}
        process = subprocess.Popen(command, env={**env, **variables}, start_new_session=True)
        try:
            code = process.wait()
        finally:
            _end_group(process)
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    if code:
        rows.append(_broken(database, code))
    return rows


def _end_group(process):
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _broken(database, code):
    text = f"the process of the trials ended with code {code}"
    return {"group": "all", "database": database, "trials": 1, "failures": 1, "seconds": 0,
            "figures": {}, "complaints": [text]}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=[group.name for group in GROUPS])
    parser.add_argument("--database", choices=["both", "sqlite", "postgres"], default="both")
    parser.add_argument("--short", action="store_true", help="a few of each, as `make test` does")
    parser.add_argument("--seed", type=int, default=1, help="what the dice start from")
    parser.add_argument("--kills", type=int, help="how many kills of the group kill; 0 for all")
    parser.add_argument("--scenarios", nargs="*", help="conversations of the group kill")
    parser.add_argument("--at-once", type=int, default=1, help="trials at a time, on each database")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="folder for results")
    options = parser.parse_args()
    content = {"run": report.describe_run(), "seed": options.seed, "is_short": options.short}
    with tempfile.TemporaryDirectory() as folder:
        databases = _databases(options.database)
        # Side by side: many trials wait for leases and sweeps, and leave the cores alone.
        with ThreadPoolExecutor(len(databases)) as threads:
            found = threads.map(lambda one: _run(one, options, Path(folder)), databases)
            rows = [row for rows in found for row in rows]
    content["groups"] = rows
    path = report.write("faults", content, options.results)
    failures = sum(row["failures"] for row in rows)
    print(f"{sum(row['trials'] for row in rows)} trials, {failures} failures; {path.name}")
    sys.exit(int(failures > 0 or not rows))


if __name__ == "__main__":
    main()
