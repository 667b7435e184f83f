"""A process that sleeps past its lease, and wakes when another has gone on: it changes nothing."""

import random
import signal
import sqlite3

from tests.faults import forks, invariants, living
from tests.faults.groups import Result
from tests.faults.kills import SECONDS, record, stop_at
from tests.faults.scenarios import BY_NAME

# Inside a transaction it would hold locks, and nobody could take over before it wakes.
OUTSIDE = (
    "message.after_commit",
    "claim.after_commit",
    "graph.before_start",
    "router.before_model",
    "router.after_model",
    "agent.before_model",
    "agent.after_model",
    "review.after_prepare",
    "read.before",
    "read.after",
    "record.after_commit",
    "stream.ended",
    "pause.after_commit",
    "decide.after_commit",
    "graph.before_resume",
    "perform.before_grant",
    "perform.after_commit",
    "finish.after_commit",
)


def trial_sleep(plan, databases):
    """SIGSTOP at a point, takeover, SIGCONT: when the other is through, or while it is at work."""
    result = Result()
    scenario = BY_NAME["approve"]
    copy = databases.make()
    reached = forks.run(record, copy, scenario, seconds=SECONDS, log=copy.log)
    copy.drop()
    dice = random.Random(plan.seed)
    places = [place for place in reached if place[0] in OUTSIDE]
    firsts = [place for place in places if place[1] == 1]
    chosen = plan.pick(dice.sample(firsts, 3), places)
    trials = [
        (place, is_early) for at, place in enumerate(chosen) for is_early in plan.pick([bool(at % 2)], [False, True])
    ]  # fmt: skip
    works = [
        (_try_until_asleep, databases, scenario, *place, is_early) for place, is_early in trials
    ]
    for at, ended in forks.run_all(works, at_once=plan.at_once, seconds=4 * SECONDS):
        (point, hit), is_early = trials[at]
        title = f"asleep at {point} #{hit}, wakes {'while' if is_early else 'after'} another works"
        result.note(title, ended.value if not ended.error else [ended.error])
    result.figures = {"points": len({point for (point, _), _ in trials})}
    return result


def _try_until_asleep(*trial):
    while (complaints := _try(*trial)) is None:
        pass
    return complaints


def _try(databases, scenario, point, hit, wakes_early):
    copy = databases.make()
    try:
        sleeper = forks.Fork(_live_and_sleep, copy, scenario, point, hit, log=copy.log)
        if not sleeper.wait_until_stopped(SECONDS):
            return [f"did not stop there: {sleeper.wait(1)}"]
        try:
            copy.pass_time()
        except sqlite3.OperationalError:
            # Its heartbeat was in a transaction just then, so nobody can take over before it wakes: once more.
            sleeper.kill()
            sleeper.wait(5)
            return None
        other = forks.Fork(_take_over, copy, scenario, wakes_early, log=copy.log)
        if wakes_early and other.wait_until_stopped(SECONDS):
            complaints = _wake(copy, sleeper)
            other.signal(signal.SIGCONT)
            ended = other.wait(SECONDS)
        else:
            ended = other.wait(SECONDS)
            complaints = _wake(copy, sleeper)
        if ended.error or ended.signal:
            complaints.append(f"the process that took over failed: {ended}")
        return complaints + invariants.check(copy)
    finally:
        copy.drop()


def _wake(copy, sleeper):
    """Wake the sleeper, wait for its end, and return what it has changed."""
    before = copy.dump()
    sleeper.signal(signal.SIGCONT)
    ended = sleeper.wait(SECONDS)
    after = copy.dump()
    complaints = [f"the sleeper failed: {ended}"] if ended.error or ended.signal else []
    return complaints + [
        f"the sleeper changed {table}: {sorted(set(after[table]) ^ set(before[table]))}"
        for table in before
        if before[table] != after[table]
    ]


def _live_and_sleep(copy, scenario, point, hit):
    from django.conf import settings

    settings.LEASE_SECONDS = 1.5  # its heartbeat is due the moment that it wakes
    stop_at(point, hit, signal.SIGSTOP)
    living.live(copy, scenario)


def _take_over(copy, scenario, stops):
    if stops:
        stop_at("claim.after_commit", 1, signal.SIGSTOP)
    living.live(copy, scenario, takes_over=True)
