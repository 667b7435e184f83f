"""Sweeps that run at once, and two beats: nothing is expired, taken back or resumed twice."""

import asyncio
import time

from tests.faults import customers, forks, invariants, living
from tests.faults.databases import LONG_AGO
from tests.faults.forked_site import ForkedSite
from tests.faults.forks import Fork
from tests.faults.groups import Result
from tests.faults.random_kills import sweep_every

AT_ONCE = 8
SECONDS = 120


def trial_sweep(plan, databases):
    """Eight sweeps at once over dead, due and stranded work; then two workers, each with a beat, end it."""
    result = Result()
    each = plan.pick(2, 20)
    copy = databases.make()
    try:
        forks.run(_leave_work, copy, each, log=copy.log, seconds=SECONDS)
        copy.pass_time()
        copy.run(
            f"UPDATE conversations_interrupt SET expires_at = '{LONG_AGO}' WHERE status = 'pending'"
        )
        go_at = time.time() + 1
        sweeps = [Fork(_sweep, copy, go_at, log=copy.log) for _ in range(AT_ONCE)]
        expired = 0
        for sweep in sweeps:
            ended = sweep.wait(SECONDS)
            if ended.error:
                result.fail(ended.error)
            else:
                expired += ended.value
        result.note("8 sweeps", _judge(copy, each, expired))
        result.note("two beats", _end_with_two_beats(copy))
        result.trials += 3 * each
        result.figures = {"dead": each, "due": each, "stranded": each, "expired": expired}
        return result
    finally:
        copy.drop()


def _leave_work(copy, each):
    """Leave runs that wait for approval, runs whose process died, and runs that nobody took up."""
    customers.stock(copy, 1, ("Cancel",))
    living.begin(copy, customers.make_script(0))

    async def leave():
        from conversations import runs
        from conversations.live import hub

        hub.open()
        for at in range(each):
            await living.say("m1", f"Cancel {2000 + at}", thread=f"due-{at}")
        await living.settled()
        hub._loop = None  # from here on nobody takes anything up
        runs.wake = lambda conversation_id: None

    asyncio.run(leave())
    from agents.models import AgentTemplate
    from conversations import tasks
    from conversations.services import runs as run_services
    from tests import factories

    tasks.continue_conversation.apply_async = lambda *args, **kwargs: None
    version = AgentTemplate.objects.get(slug="shop").current_version
    for at in range(2 * each):
        conversation = factories.make_conversation(version=version)
        factories.make_message(conversation, "Look")
        if at < each:
            run_services.claim_next(conversation.pk)


def _sweep(copy, go_at):
    """Sweep as a worker does; returns how many interrupts this process has expired."""
    copy.use()
    from conversations.services import interrupts, runs

    time.sleep(max(0, go_at - time.time()))
    expired = 0
    for _ in range(3):
        runs.recover()
        expired += interrupts.expire_due()
    return expired


def _judge(copy, each, expired):
    complaints = invariants.check(copy, is_over=False)
    if expired != each:
        complaints.append(f"{expired} were expired, {each} were due")
    taken = copy.value("SELECT sum(failed_attempts) FROM conversations_run")
    if taken != each:
        complaints.append(f"{taken} runs were taken back, {each} processes had died")
    return complaints


def _end_with_two_beats(copy):
    # Long ago: else those that were given back a moment ago are left to their own process.
    copy.pass_time()
    with ForkedSite(copy, customers.make_script(0), CELERY_BEAT_SCHEDULE=sweep_every(0.5)) as site:
        site.start_worker()
        site.start_worker()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            open_runs = copy.value(
                "SELECT count(*) FROM conversations_run"
                " WHERE status IN ('pending', 'running', 'waiting')"
            )
            if not open_runs:
                return invariants.check(copy)
            time.sleep(0.1)
    return ["the work was not ended", *invariants.check(copy)]
