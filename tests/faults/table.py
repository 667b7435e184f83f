"""The table of docs/explanation/promises.md: `python -m tests.faults.table bench/results/faults-….json`."""

import json
import sys
from pathlib import Path

from tests.faults.groups import GROUPS

HEAD = "| What is done | Promises | Trials | Failures | Seconds | Again |\n| --- | --- | --- | --- | --- | --- |"


def rows(content):
    """Return the table's rows: SQLite's number first, then PostgreSQL's."""
    found = {(row["group"], row["database"]): row for row in content["groups"]}
    for group in GROUPS:
        of_group = [
            found[group.name, name] for name in group.databases if (group.name, name) in found
        ]
        cells = [
            group.title,
            ", ".join(map(str, group.promises)),
            *(" + ".join(str(row[key]) for row in of_group) for key in ("trials", "failures")),
            " + ".join(f"{row['seconds']:.0f}" for row in of_group),
            f'`make faults ARGS="--only {group.name}"`',
        ]
        yield f"| {' | '.join(cells)} |"


def table(content):
    """Return the whole table as Markdown."""
    return "\n".join([HEAD, *rows(content)])


if __name__ == "__main__":
    sys.stdout.write(table(json.loads(Path(sys.argv[1]).read_text())) + "\n")
