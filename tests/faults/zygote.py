"""The process that forks: everything imported, nothing opened. `python -m tests.faults` starts one a database."""

import argparse
import gc
import json
import os
import sys
import threading
import time
from pathlib import Path

from tests.faults.groups import GROUPS, Plan

ROOT = Path(__file__).resolve().parent.parent.parent


def prepare():
    """Import all that a web process, a worker and a customer need."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings

    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    if "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        settings.DATABASES["default"]["OPTIONS"]["timeout"] = 20  # the product's own
    import agents.engine
    import agents.graph.build
    import agents.saver  # noqa: F401 - so that no child has to
    import supportsite.asgi  # noqa: F401
    from tests.faults import living, scenarios  # noqa: F401

    assert threading.active_count() == 1, f"threads do not survive a fork: {threading.enumerate()}"
    gc.collect()
    gc.freeze()


def fill():
    """The small shop, and Ana with her orders: 1043 and 1045 are being packed, 1044 was delivered."""
    from agents.spec import TemplateSpec
    from tests import factories
    from tests.faults import foreign

    spec = {**factories.SHOP, "agents": [*factories.SHOP["agents"], foreign.AGENT]}
    factories.make_version(TemplateSpec.model_validate(spec))
    factories.make_sam()
    factories.make_visitor(name="Ana")
    factories.make_order("1043")
    factories.make_order("1044", status="delivered", total="114.70")
    factories.make_order("1045")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenarios", nargs="*", default=())
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    plan = Plan(
        is_short=options.short,
        seed=options.seed,
        at_once=options.at_once,
        scenarios=tuple(options.scenarios),
        kills=options.kills,
    )
    prepare()
    from tests.faults.databases import Databases
    from tests.settings import SCRATCH

    databases = Databases(SCRATCH / "faults", fill)
    try:
        for group in GROUPS:
            if databases.vendor in group.databases and (
                not options.only or group.name in options.only
            ):
                _write(options.output, _run(group, plan, databases))
    finally:
        databases.close()


def _run(group, plan, databases):
    started = time.monotonic()
    try:
        result = group.run(plan, databases)
        trials, failures, figures = result.trials, result.failures, result.figures
    except Exception as error:
        import traceback

        traceback.print_exc()
        trials, failures, figures = 1, [f"the trial itself broke: {error!r}"], {}
    row = {
        "group": group.name,
        "database": databases.vendor,
        "trials": trials,
        "failures": len(failures),
        "seconds": round(time.monotonic() - started, 1),
        "figures": figures,
        "complaints": failures,
    }
    print(
        f"{row['group']:<12} {row['database']:<9} {trials:>5} trials {len(failures):>4} failures"
        f" {row['seconds']:>7.1f} s  {figures}",
        flush=True,
    )
    for failure in failures:
        print("  " + failure, file=sys.stderr, flush=True)
    return row


def _write(path, row):
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
