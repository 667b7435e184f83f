"""`python -m bench`: speed against the bare graph; with options, where the time goes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bench import postgres, report, speed
from bench.stack import open_stack


def _databases(choice: str) -> list[str]:
    if choice != "auto":
        return ["sqlite", "postgres"] if choice == "both" else [choice]
    is_quick = bool(os.environ.get("BENCH_QUICK"))
    return ["sqlite", "postgres"] if postgres.is_available() and not is_quick else ["sqlite"]


def run_speed(databases: list[str], results: Path) -> None:
    plan = speed.QUICK if os.environ.get("BENCH_QUICK") else speed.FULL
    content = {"run": report.describe_run(), "plan": vars(plan)}
    for database in databases:
        with open_stack(database) as stack:
            content[database] = speed.measure(stack, plan)
        print(report.table(database, content[database]))
    print(f"\nwritten: {report.write('speed', content, results).name}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--database", choices=["auto", "sqlite", "postgres", "both"], default="auto"
    )
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="folder for results")
    options = parser.parse_args()
    run_speed(_databases(options.database), options.results)


if __name__ == "__main__":
    main()
