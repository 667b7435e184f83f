"""The web server, or a worker, is killed again and again while customers talk."""

import random
import select
import statistics
import time
from contextlib import suppress

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
    """Staff decide in a process without sockets, so that workers go on; one of two dies 0.5 to 3 s after its start."""
    return _talk_under_fire(
        plan, databases, ("Refund", "Look"), 2, ForkedSite.kill_worker, _start_worker
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
        with ForkedSite(copy, customers.make_script(0.1), **values) as site:
            site.start_web()
            for _ in range(workers):
                site.start_worker()
            site.wait_until_ready()
            site.wait_for_workers()
            until = time.time() + seconds
            people = Fork(_talk, site.url, clients, kinds, until, log=copy.log)
            staff = Fork(decide_as_staff, site, until + LONGEST_SECONDS, log=copy.log)
            watch = Watch(copy)
            _kill_at_random(site, watch, dice, until, kill, start)
            ended = watch.look_until_ended(people, LONGEST_SECONDS)
            staff.kill()
            staff.wait(5)
            if ended.error:
                result.fail(f"seed {plan.seed}: {ended.error}")
                return result
            complaints = [*customers.compare(copy, ended.value), *invariants.check(copy)]
        p95 = percentile(watch.resumed, 95)
        if p95 > RESUMED_SECONDS:
            complaints.append(f"resumed p95 is {p95:.1f} s, the goal {RESUMED_SECONDS}")
        result.trials = watch.kills
        if complaints:
            result.failures.append(f"seed {plan.seed}:\n  " + "\n  ".join(complaints))
        result.figures = {
            "seed": plan.seed,
            "kills": watch.kills,
            "accepted": sum(len(seen["accepted"]) for seen in ended.value),
            "reconnects": sum(seen["drops"] for seen in ended.value),
            "runs_taken_back": len(watch.resumed),
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


def _start_worker(site):
    """Start a worker and let it get ready: killed while it starts, it would have had nothing to lose."""
    site.start_worker()
    site.wait_for_workers()


def sweep_every(seconds):
    from datetime import timedelta

    return {
        name: {"task": f"conversations.tasks.{name}", "schedule": timedelta(seconds=seconds)}
        for name in ("expire_interrupts", "recover_runs")
    }


class Watch:
    """Sees when runs that a kill has hit are taken up by another process.

    Attributes:
        kills: How many kills there were.
        resumed: For each run that was taken back, the seconds from the kill to the next claim.
    """

    def __init__(self, copy):
        self._copy = copy
        self._hit = {}
        self.kills = 0
        self.resumed = []

    def note_kill(self):
        self.kills += 1
        for row in self._rows():
            if row["status"] == "running":
                key = (row["id"], row["fence"])
                self._hit.setdefault(key, (time.time(), row["failed_attempts"]))

    def look(self):
        for row in self._rows():
            for key in [key for key in self._hit if key[0] == row["id"]]:
                has_gone_on = row["fence"] > key[1]
                if has_gone_on or row["status"] not in ("running", "pending"):
                    killed_at, attempts = self._hit.pop(key)
                    if row["failed_attempts"] > attempts:  # else it was another process's
                        self.resumed.append(time.time() - killed_at)

    def look_until(self, moment):
        while (left := moment - time.time()) > 0:
            self.look()
            time.sleep(min(0.2, left))

    def look_until_ended(self, fork, seconds):
        """Watch until a forked process has ended; returns how."""
        deadline = time.time() + seconds
        while time.time() < deadline and not select.select([fork.fileno], [], [], 0.2)[0]:
            self.look()
        return fork.wait(max(0.1, deadline - time.time()))

    def _rows(self):
        return self._copy.rows("SELECT id, fence, status, failed_attempts FROM conversations_run")


def _kill_at_random(site, watch, dice, until, kill, start):
    """Kill and start again until that moment."""
    while True:
        watch.look_until(time.time() + dice.uniform(0.5, 3))
        if time.time() > until:
            return
        kill(site)
        watch.note_kill()
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


def percentile(values, percent):
    """Return a percentile of some numbers; 0 of none."""
    if len(values) < 2:
        return max(values, default=0.0)
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
