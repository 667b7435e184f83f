"""`python -m bench`: speed beside a FastAPI handler and the bare graph; what else costs; what is understood."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import eval as evaluation
from bench import (
    goals,
    growth,
    idle,
    offline,
    open_loop,
    postgres,
    processes,
    profile,
    report,
    speed,
    statements,
    webhooks,
)
from bench.stack import open_stack

IS_QUICK = bool(os.environ.get("BENCH_QUICK"))
Run = Callable[[list[str], Path], None]


def _databases(choice: str) -> list[str]:
    if choice != "auto":
        return ["sqlite", "postgres"] if choice == "both" else [choice]
    return ["postgres"] if postgres.is_available() and not IS_QUICK else ["sqlite"]


def measured_by(module: Any) -> Run:
    """Return a mode that carries a module's plan out on each database, and prints its table and its goals."""
    plan = module.QUICK if IS_QUICK else module.FULL

    def run(databases: list[str], results: Path) -> None:
        content = {"run": report.describe_run(), "plan": vars(plan)}
        for database in databases:
            with open_stack(database) as stack:
                content[database] = module.measure(stack, plan)
            print(module.table(database, content[database]))
            if hasattr(module, "find_goals"):
                print(goals.table(module.find_goals(content[database])))
        kind = module.__name__.rpartition(".")[2]
        print(f"\nwritten: {report.write(kind, content, results).name}")

    return run


def run_profile(databases: list[str], results: Path) -> None:
    content = {"run": report.describe_run()}
    stamp = report.stamp(content)
    results.mkdir(parents=True, exist_ok=True)
    for database in databases:
        flame_graph = results / f"profile-{stamp}-{database}.svg"
        with open_stack(database) as stack, tempfile.TemporaryDirectory() as folder:
            content[database] = profile.measure(stack, Path(folder), flame_graph)
        print(profile.table(database, content[database]))
        print(goals.table(profile.find_goals(content[database])))
    print(f"\nwritten: {report.write('profile', content, results).name}, and flame graphs")


def run_sql(databases: list[str], results: Path) -> None:
    content = {"run": report.describe_run()}
    for database in databases:
        with open_stack(database) as stack, tempfile.TemporaryDirectory() as folder:
            content[database] = statements.measure(stack, Path(folder))
        print(statements.table(database, content[database]))
    print(f"\nwritten: {report.write('sql', content, results).name}")


MODES: dict[str, Run] = {
    "speed": measured_by(speed),
    "open": measured_by(open_loop),
    "idle": measured_by(idle),
    "offline": measured_by(offline),
    "webhooks": measured_by(webhooks),
    "growth": measured_by(growth),
    "processes": measured_by(processes),
    "profile": run_profile,
    "sql": run_sql,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("mode", nargs="?", choices=[*MODES, "eval"], default="speed")
    for mode in ("profile", "sql"):
        parser.add_argument(f"--{mode}", action="store_const", const=mode, dest="other_mode")
    parser.add_argument(
        "--database", choices=["auto", "sqlite", "postgres", "both"], default="auto"
    )
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="folder for results")
    parser.add_argument("--data", type=Path, default=evaluation.DEFAULT_DATA, help="eval's *.jsonl")
    options = parser.parse_args()
    # Whoever stops it, by `timeout` for example, finds no process left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if options.mode == "eval":
        raise SystemExit(evaluation.run(options.data, options.results))
    MODES[options.other_mode or options.mode](_databases(options.database), options.results)


if __name__ == "__main__":
    main()
