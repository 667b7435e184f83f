"""Valkey and PostgreSQL go away and come back, while customers talk and staff decide."""

import os
import time

from tests.faults import customers, forks, invariants
from tests.faults.forked_site import ForkedSite
from tests.faults.forks import Fork
from tests.faults.groups import Result
from tests.faults.random_kills import decide_as_staff, sweep_every

KINDS = ("Cancel", "Look", "Refund", "Reduce")
BACK_SECONDS = 20
SECONDS = 150


def trial_valkey(plan, databases):
    """Valkey killed and restarted empty at once; gone for 30 s. Messages are accepted and answered without it."""
    result = Result()
    for gone_seconds in plan.pick((1,), (0, 30)):
        _note(
            result,
            f"gone {gone_seconds} s",
            plan,
            databases,
            lambda s, g=gone_seconds: _valkey(s, g),
        )
    return result


def trial_postgres(plan, databases):
    """PostgreSQL restarted at once, and all its backends terminated again and again."""
    result = Result()
    if os.environ.get("FAULTS_POSTGRES"):
        _note(result, "restarted at once", plan, databases, _restart_postgres)
    _note(result, "backends terminated", plan, databases, _terminate_backends)
    return result


def _note(result, title, plan, databases, break_it):
    complaints, figures = _talk_through(plan, databases, break_it)
    result.note(title, complaints)
    result.figures[title] = figures


def _talk_through(plan, databases, break_it):
    """Let customers talk, break something in the middle, and hold the end to the promises."""
    copy = databases.make()
    people = plan.pick(2, 4)
    try:
        forks.run(customers.stock, copy, people, KINDS, log=copy.log)
        values = {"CELERY_BEAT_SCHEDULE": sweep_every(1)} if plan.is_short else {}
        with ForkedSite(copy, customers.make_script(), **values) as site:
            site.start_web()
            site.start_worker()
            site.wait_until_ready()
            site.wait_for_workers()
            stop_file = copy.folder / "stop"
            talk = Fork(_run_until, site.url, people, stop_file, log=copy.log)
            staff = Fork(decide_as_staff, site, time.time() + 2 * SECONDS, log=copy.log)
            complaints = _wait_for_answers(copy, 2)
            complaints += break_it(site)
            back_at = time.monotonic()
            complaints += _wait_for_answers(copy, people, seconds=2 * BACK_SECONDS)
            back_seconds = time.monotonic() - back_at
            if back_seconds > BACK_SECONDS:
                complaints.append(f"answers came again only after {back_seconds:.1f} s")
            stop_file.touch()
            ended = talk.wait(SECONDS)
            staff.kill()
            staff.wait(5)
            if ended.error:
                return [*complaints, ended.error], {}
            complaints += customers.compare(copy, ended.value) + invariants.check(copy)
        slowest = max((s for seen in ended.value for s in seen["accepted"].values()), default=0)
        return complaints, {
            "accepted": sum(len(seen["accepted"]) for seen in ended.value),
            "slowest_accept_seconds": round(slowest, 2),
            "back_seconds": round(back_seconds, 1),
        }
    finally:
        copy.drop()


def _run_until(url, people, stop_file):
    return customers.run_customers(url, people, KINDS, stop_file.exists)


def _count_answers(copy):
    return copy.value(
        "SELECT count(*) FROM conversations_run WHERE status IN ('completed', 'interrupted')"
    )


def _wait_for_answers(copy, count, *, seconds=BACK_SECONDS):
    """Wait until so many more runs have ended; returns a complaint if they do not."""
    wanted, deadline = _count_answers(copy) + count, time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _count_answers(copy) >= wanted:
            return []
        time.sleep(0.1)
    return [f"{count} answers did not come within {seconds} s"]


def _valkey(site, gone_seconds):
    """Kill Valkey; while it is gone, messages must be accepted and answered all the same."""
    site.valkey.kill()
    gone_at = time.monotonic()
    complaints = []
    if gone_seconds:
        complaints = _wait_for_answers(site.copy, 2, seconds=3 * BACK_SECONDS)
        while time.monotonic() < gone_at + gone_seconds:
            time.sleep(0.1)
    site.valkey.start()
    return [f"without Valkey: {text}" for text in complaints]


def _restart_postgres(site):
    from tests.postgres import find_programs, run_as_postgres

    data = site.copy.value("SHOW data_directory")
    log = f"{data}/log"  # where its user may write
    run_as_postgres(
        [find_programs() / "pg_ctl", "restart", "-w", "-m", "immediate", "-D", data, "-l", log]
    )
    return []


def _terminate_backends(site):
    name = site.copy.name
    for _ in range(5):
        site.copy.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        time.sleep(0.3)
    return []
