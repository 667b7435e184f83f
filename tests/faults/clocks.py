"""The wall clock of one process is an hour off. PostgreSQL's clock decides there; on SQLite there is one machine."""

import asyncio
import signal
import time
from datetime import datetime, timedelta

from tests.faults import forks, invariants, living
from tests.faults.groups import Result
from tests.faults.kills import SECONDS, stop_at, undisturbed
from tests.faults.scenarios import BY_NAME

HOUR = timedelta(hours=1)


def trial_clock(plan, databases):
    """Sweeps and a whole run by a process whose clock is an hour off, beside one whose clock is right."""
    result = Result()
    scenario = BY_NAME["approve"]
    _, expected, _ = undisturbed(databases, scenario)
    for name, shift in (("ahead", HOUR), ("behind", -HOUR)):
        result.note(f"{name}, alone", _live_shifted(databases, scenario, shift, expected))
        for point in plan.pick(("agent.before_model",), ("router.before_model", "agent.before_model",
                               "review.after_prepare", "stream.ended")):  # fmt: skip
            title = f"{name}, sweeps while another is at {point}"
            result.note(title, _sweep_beside(databases, scenario, shift, point, expected))
        if databases.vendor == "postgres":
            result.note(
                f"{name}, sweeps while one waits", _sweep_waiting(databases, scenario, shift)
            )
    return result


def shift_clock(shift):
    """Put this forked process's clock forward or back."""
    from django.utils import timezone

    from conversations import database

    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + shift

    right_time = time.time
    database.datetime = Shifted
    timezone.now = lambda: datetime.now(database.UTC) + shift
    time.time = lambda: right_time() + shift.total_seconds()


def _live_shifted(databases, scenario, shift, expected):
    copy = databases.make()
    try:
        forks.run(_live, copy, scenario, shift, log=copy.log, seconds=SECONDS)
        end = living.describe_end(copy)
        return invariants.check(copy) + ([f"ended otherwise: {end}"] if end != expected else [])
    finally:
        copy.drop()


def _live(copy, scenario, shift):
    shift_clock(shift)
    living.live(copy, scenario)


def _sweep_beside(databases, scenario, shift, point, expected):
    """Let one process stop in the middle of a run, the shifted one sweep, and the first go on."""
    copy = databases.make()
    try:
        worker = forks.Fork(_live_and_stop, copy, scenario, point, log=copy.log)
        if not worker.wait_until_stopped(SECONDS):
            return [f"did not stop there: {worker.wait(1)}"]
        taken = forks.run(_sweep, copy, shift, log=copy.log)
        worker.signal(signal.SIGCONT)
        ended = worker.wait(SECONDS)
        complaints = [str(ended)] if ended.error or ended.signal else []
        if databases.vendor == "postgres":
            if any(taken):
                complaints.append(f"expired and took back {taken} under a live lease")
        else:
            # SQLite's clock is the machine's: a run may be taken back early, but never runs twice.
            copy.pass_time()
            forks.run(_take_over, copy, scenario, log=copy.log, seconds=SECONDS)
        end = living.describe_end(copy)
        if end != expected:
            complaints.append(f"ended otherwise: {end}")
        return complaints + invariants.check(copy)
    finally:
        copy.drop()


def _live_and_stop(copy, scenario, point):
    stop_at(point, 1, signal.SIGSTOP)
    living.live(copy, scenario)


def _take_over(copy, scenario):
    living.live(copy, scenario, takes_over=True)


def _sweep(copy, shift):
    """Return how many interrupts expired and how many runs were taken back."""
    shift_clock(shift)
    copy.use()
    from conversations.models import Run
    from conversations.services import interrupts, runs

    runs.recover()
    return interrupts.expire_due(), Run.objects.filter(failed_attempts__gt=0).count()


def _sweep_waiting(databases, scenario, shift):
    """Sweep with a shifted clock while something waits for approval for 30 more minutes."""
    copy = databases.make()
    try:
        forks.run(_ask, copy, scenario, log=copy.log, seconds=SECONDS)
        expired, _ = forks.run(_sweep, copy, shift, log=copy.log)
        complaints = [f"{expired} expired early"] if expired else []
        forks.run(living.live, copy, scenario, log=copy.log, seconds=SECONDS)
        return complaints + invariants.check(copy)
    finally:
        copy.drop()


def _ask(copy, scenario):
    living.begin(copy, scenario.script())

    async def ask():
        from conversations.live import hub

        hub.open()
        await living.say("m1", scenario.says)
        await living.settled()

    asyncio.run(ask())
