"""The web server, or a worker, is killed again and again while customers talk."""

import random
import statistics
import time
from contextlib import suppress
from datetime import UTC, datetime

from tests.faults import customers, forks, invariants
from tests.faults.forked_site import ForkedSite
from tests.faults.forks import Fork
from tests.faults.groups import Result
from tests.faults.living import find_sam

CLIENTS = 8
LONGEST_SECONDS = 180
RESUMED_SECONDS = 20


def trial_web(plan, databases):
    """Customers talk over sockets; who serves them dies every 0.5 to 3 s."""
    return _talk_under_fire(
        plan,
        databases,
        ("Cancel", "Look", "Reduce"),
        1,
        ForkedSite.kill_web,
        ForkedSite.start_web,
    )


def trial_worker(plan, databases):
    """Staff decide in a process without sockets, so that workers go on; one of two dies every 0.5 to 3 s."""
    return _talk_under_fire(
        plan, databases, ("Refund", "Look"), 2, ForkedSite.kill_worker, ForkedSite.start_worker
    )


def _talk_under_fire(plan, databases, kinds, workers, kill, start):
    result, dice = Result(), random.Random(plan.seed)
    seconds, clients = plan.pick(4, 60), plan.pick(3, CLIENTS)
    copy = databases.make()
    # Short leases where time is short: the same code, sooner.
    values = {"LEASE_SECONDS": 2} if plan.is_short else {}
    if plan.is_short:
        values["CELERY_BEAT_SCHEDULE"] = sweep_every(0.5)
    try:
        forks.run(customers.stock, copy, clients, kinds, log=copy.log)
        with ForkedSite(copy, customers.make_script(), **values) as site:
            site.start_web()
            for _ in range(workers):
                site.start_worker()
            site.wait_until_ready()
            site.wait_for_workers()
            until = time.time() + seconds
            people = Fork(_talk, site.url, clients, kinds, until, log=copy.log)
            staff = Fork(decide_as_staff, site, until + LONGEST_SECONDS, log=copy.log)
            kills = _kill_at_random(site, dice, until, kill, start)
            ended = people.wait(seconds + LONGEST_SECONDS)
            staff.kill()
            staff.wait(5)
            if ended.error:
                result.fail(f"seed {plan.seed}: {ended.error}")
                return result
            complaints = [*customers.compare(copy, ended.value), *invariants.check(copy)]
        resumed = _resumed_after(copy, kills)
        p95 = percentile(resumed, 95)
        if p95 > RESUMED_SECONDS:
            complaints.append(f"resumed p95 is {p95:.1f} s, the goal {RESUMED_SECONDS}")
        result.trials = len(kills)
        if complaints:
            result.failures.append(f"seed {plan.seed}:\n  " + "\n  ".join(complaints))
        result.figures = {
            "seed": plan.seed,
            "kills": len(kills),
            "accepted": sum(len(seen["accepted"]) for seen in ended.value),
            "reconnects": sum(seen["drops"] for seen in ended.value),
            "runs_taken_back": len(resumed),
            "failed_runs": copy.value(
                "SELECT count(*) FROM conversations_run WHERE status = 'failed'"
            ),
            "effects": copy.value("SELECT count(*) FROM conversations_effect"),
            "resumed_p95_seconds": round(p95, 1),
        }
        return result
    finally:
        copy.drop()


def _talk(url, clients, kinds, until):
    return customers.run_customers(url, clients, kinds, lambda: time.time() > until)


def sweep_every(seconds):
    from datetime import timedelta

    return {
        name: {"task": f"conversations.tasks.{name}", "schedule": timedelta(seconds=seconds)}
        for name in ("expire_interrupts", "recover_runs")
    }


def _kill_at_random(site, dice, until, kill, start):
    """Kill and start again until that moment; returns when each kill was."""
    kills = []
    while True:
        time.sleep(dice.uniform(0.5, 3))
        if time.time() > until:
            return kills
        kill(site)
        kills.append(time.time())
        start(site)


def decide_as_staff(site, until):
    """Approve what waits for staff, as another program of the company would."""
    from django.db import close_old_connections

    from conversations.errors import ConversationsError
    from conversations.models import Interrupt
    from conversations.services import interrupts

    site.join()
    sam = find_sam()
    while time.time() < until:
        for row in Interrupt.objects.filter(status="pending", approver="staff"):
            with suppress(ConversationsError):
                interrupts.decide(row.pk, approved=True, by="staff", user=sam)
        close_old_connections()
        time.sleep(0.2)


def _resumed_after(copy, kills):
    """Return, for each run that was taken back, the seconds from the kill that hit it to its end."""
    rows = copy.rows(
        "SELECT started_at, finished_at FROM conversations_run"
        " WHERE failed_attempts > 0 AND finished_at IS NOT NULL"
    )
    seconds = []
    for row in rows:
        began, ended = _seconds(row["started_at"]), _seconds(row["finished_at"])
        during = [at for at in kills if began < at < ended]
        if during:
            seconds.append(ended - during[0])
    return seconds


def _seconds(moment):
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return moment.timestamp()


def percentile(values, percent):
    """Return a percentile of some numbers; 0 of none."""
    if len(values) < 2:
        return max(values, default=0.0)
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
