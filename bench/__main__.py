"""`python -m bench`: speed against the bare graph; where the time goes; what is understood; webhooks."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from bench import eval as evaluation
from bench import goals, idle, postgres, profile, report, speed, statements, webhooks
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
        for model, result in content[database].items():
            print(report.speed_table(f"{database}, {model}", result))
        print(goals.table(goals.of_speed(content[database])))
    print(f"\nwritten: {report.write('speed', content, results).name}")


def run_profile(databases: list[str], results: Path) -> None:
    content = {"run": report.describe_run()}
    stamp = report.stamp(content)
    results.mkdir(parents=True, exist_ok=True)
    for database in databases:
        flame_graph = results / f"profile-{stamp}-{database}.svg"
        with open_stack(database) as stack, tempfile.TemporaryDirectory() as folder:
            content[database] = profile.measure(stack, Path(folder), flame_graph)
        print(profile.table(database, content[database]))
    print(f"\nwritten: {report.write('profile', content, results).name}, and flame graphs")


def run_sql(databases: list[str], results: Path) -> None:
    content = {"run": report.describe_run()}
    for database in databases:
        with open_stack(database) as stack, tempfile.TemporaryDirectory() as folder:
            content[database] = statements.measure(stack, Path(folder))
        print(statements.table(database, content[database]))
    print(f"\nwritten: {report.write('sql', content, results).name}")


def run_idle(databases: list[str], results: Path) -> None:
    content = {"run": report.describe_run()}
    for database in databases:
        with open_stack(database) as stack:
            content[database] = idle.measure(stack)
        print(idle.table(database, content[database]))
    print(f"\nwritten: {report.write('idle', content, results).name}")


def run_webhooks(databases: list[str], results: Path) -> None:
    plan = webhooks.QUICK if os.environ.get("BENCH_QUICK") else webhooks.FULL
    content = {"run": report.describe_run(), "plan": vars(plan)}
    for database in databases:
        with open_stack(database) as stack:
            content[database] = webhooks.measure(stack, plan)
        print(webhooks.table(database, content[database]))
    print(f"\nwritten: {report.write('webhooks', content, results).name}")


MODES = {
    "speed": run_speed,
    "profile": run_profile,
    "sql": run_sql,
    "idle": run_idle,
    "webhooks": run_webhooks,
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
    if options.mode == "eval":
        raise SystemExit(evaluation.run(options.data, options.results))
    MODES[options.other_mode or options.mode](_databases(options.database), options.results)


if __name__ == "__main__":
    main()
