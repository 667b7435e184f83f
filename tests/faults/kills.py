"""kill -9 at every point that a scenario reaches, and at every time that it reaches it."""

import os
import random
import signal
import threading
from collections import Counter

from tests.faults import forks, invariants, living
from tests.faults.groups import Result
from tests.faults.scenarios import BY_NAME

SECONDS = 90


def listen(on_hit):
    """Call `on_hit(point, how often it has been reached)` in this forked process."""
    from agents import fault_points

    hits = Counter()

    def reached(name):
        hits[name] += 1
        on_hit(name, hits[name])

    fault_points.on_reach = reached


def stop_at(point, hit, sign):
    """Let this forked process signal itself at the n-th time that it reaches a point."""

    def on_hit(name, n):
        if (name, n) == (point, hit):
            if sign == signal.SIGSTOP:
                _let_transactions_end()
            os.kill(os.getpid(), sign)

    listen(on_hit)


def _let_transactions_end():
    """Wait for what another thread is storing: stopped inside that, locks would be held until it wakes."""
    from conversations.database import one_thread

    if threading.current_thread() is threading.main_thread():
        one_thread.submit(int).result(SECONDS)


def record(copy, scenario):
    """Return every (point, n-th time) of an undisturbed run, in order."""
    reached = []
    listen(lambda name, n: reached.append((name, n)))
    living.live(copy, scenario)
    return reached


def live_and_die(copy, scenario, point, hit, takes_over):
    stop_at(point, hit, signal.SIGKILL)
    living.live(copy, scenario, takes_over=takes_over)


def undisturbed(databases, scenario):
    """Return what a scenario reaches, how it ends, and what is wrong already."""
    copy = databases.make()
    try:
        reached = forks.run(record, copy, scenario, seconds=SECONDS, log=copy.log)
        return reached, living.describe_end(copy), invariants.check(copy)
    finally:
        copy.drop()


def try_kill(databases, scenario, point, hit, deaths, expected):
    """Kill at one point, `deaths` processes in a row, let another take over, and return what is wrong then."""
    copy = databases.make()
    try:
        for death in range(deaths):
            ended = forks.Fork(
                live_and_die,
                copy,
                scenario,
                point,
                hit if death == 0 else 1,
                death > 0,
                log=copy.log,
            ).wait(SECONDS)
            if ended.signal != signal.SIGKILL or ended.error:
                if death == 0:
                    return [f"was not killed there: {ended}\n{copy.log.read_text()}"]
                break  # nothing was left to do, so the next process did not come by there
            copy.pass_time()
        ended = forks.Fork(_take_over, copy, scenario, log=copy.log).wait(SECONDS)
        if ended.error or ended.signal:
            return [f"the process that took over failed: {ended}"]
        complaints = invariants.check(copy)
        end = living.describe_end(copy)
        if end != expected and not (scenario.may_end_unknown and _is_unknown(end)):
            complaints.append(f"ended otherwise: {_difference(expected, end)}")
        return complaints
    finally:
        copy.drop()


def _take_over(copy, scenario):
    living.live(copy, scenario, takes_over=True)


def _is_unknown(end):
    return any(status == "unknown" for _, status in end["effects"])


def _difference(expected, end):
    return {key: (expected[key], end[key]) for key in expected if expected[key] != end[key]}


def trial_kill(plan, databases):
    """kill -9 at each point and hit of each scenario."""
    result = Result()
    names = plan.scenarios or plan.pick(("approve", "outside once"), tuple(BY_NAME))
    scenarios = [BY_NAME[name] for name in names]
    trials, ends, points = [], {}, Counter()
    works = [(undisturbed, databases, scenario) for scenario in scenarios]
    for at, ended in forks.run_all(works, at_once=plan.at_once, seconds=SECONDS):
        name = scenarios[at].name
        if ended.error or ended.signal:
            result.fail(f"{name}, undisturbed: {ended}")
            continue
        reached, ends[name], complaints = ended.value
        result.note(f"{name}, undisturbed", complaints)
        trials += [(name, point, hit) for point, hit in reached]
        points.update(point for point, _ in reached)
    chosen = choose(trials, plan.kills, random.Random(plan.seed))
    result.figures = {"points": len(points), "places": len(trials), "tried": len(chosen)}
    works = [
        (try_kill, databases, BY_NAME[name], point, hit, 1 + at % 2, ends[name])
        for at, (name, point, hit) in enumerate(chosen)
    ]
    for at, ended in forks.run_all(works, at_once=plan.at_once, seconds=4 * SECONDS):
        name, point, hit = chosen[at]
        title = f"{name}, {point} #{hit}, {1 + at % 2} in a row"
        result.note(title, ended.value if not ended.error else [ended.error])
    return result


def choose(trials, count, dice):
    """Return so many of the trials, each point first, then at random."""
    trials = list(trials)
    dice.shuffle(trials)
    seen, first, rest = set(), [], []
    for trial in trials:
        (rest if trial[1] in seen else first).append(trial)
        seen.add(trial[1])
    return [*first, *rest][: count or None]
