"""Many decide at once, and some at the very moment at which it is too late."""

import asyncio
import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tests.faults import forks, invariants, living
from tests.faults.forked_site import ForkedSite
from tests.faults.groups import Result
from tests.faults.scenarios import BY_NAME

THREADS = 8
SECONDS = 120
# How a decision may end, by class name; "won" for one that counts.
WON = "won"


def trial_decide(plan, databases):
    """A thousand decisions on one interrupt, through sockets and services; once it runs out in the middle."""
    result = Result()
    sockets, processes, each = plan.pick((5, 2, 20), (100, 4, 150))
    for runs_out in (False, True):
        copy = databases.make()
        try:
            outcomes, complaints = _storm(copy, sockets, processes, each, runs_out)
            result.trials += sum(outcomes.values())
            if complaints:
                result.failures.append(f"runs out: {runs_out}:\n  " + "\n  ".join(complaints))
            result.figures["runs_out" if runs_out else "in_time"] = {
                f"{asked} {got}": n for (asked, got), n in sorted(outcomes.items())
            }
        finally:
            copy.drop()
    return result


def _storm(copy, sockets, processes, each, runs_out):
    scenario = BY_NAME["approve"]
    token = forks.run(_begin, copy, scenario, log=copy.log, seconds=SECONDS)
    with ForkedSite(copy, scenario.script()) as site:
        site.start_web()
        site.wait_until_ready()
        go_at = time.time() + 2 + sockets / 50
        if runs_out:
            moment = datetime.fromtimestamp(go_at + 0.02, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            copy.run("UPDATE conversations_interrupt SET expires_at = ?", moment)
        crowd = [forks.Fork(_decide_by_services, site, each, at, go_at) for at in range(processes)]
        crowd.append(forks.Fork(_decide_by_sockets, site.url, token, sockets, go_at))
        outcomes = Counter()
        for part in crowd:
            ended = part.wait(SECONDS)
            if ended.error:
                return outcomes, [ended.error]
            outcomes.update(ended.value)
    complaints = _judge(copy, outcomes)
    copy.pass_time()
    forks.run(_sweep, copy, scenario, log=copy.log, seconds=SECONDS)
    return outcomes, complaints + invariants.check(copy)


def _sweep(copy, scenario):
    living.live(copy, scenario, takes_over=True)


def _begin(copy, scenario):
    """Go as far as to the question; returns the customer's token."""
    living.begin(copy, scenario.script())

    async def ask():
        from conversations.identity import make_token
        from conversations.live import hub

        hub.open()
        await living.say("m1", scenario.says)
        await living.settled()
        assert await living.find_waiting(), "nothing waits"
        return make_token(await living.visitor_id())

    return asyncio.run(ask())


def _judge(copy, outcomes):
    """Return what is untrue of the answers that were given."""
    [row] = copy.rows("SELECT status, decided_by FROM conversations_interrupt")
    winners = [(asked, n) for (asked, got), n in outcomes.items() if got == WON]
    complaints = []
    count = sum(n for _, n in winners)
    # One that comes too late expires what it was to decide, and counts as refused.
    if count != 1 and not (count == 0 and row["status"] == "expired"):
        complaints.append(f"winners: {winners}, row: {row}")
    elif winners and winners[0][0] not in ("by socket", row["status"]):
        complaints.append(f"{winners} won, and the row says {row}")
    allowed = {WON, "NoPendingInterrupt"}
    if row["status"] == "expired":
        allowed.add("InterruptExpired")
    for (asked, got), n in outcomes.items():
        if got not in ({"NotAllowed"} if asked == "staff" else allowed):
            complaints.append(f"{n} who {asked} were told {got}; the row says {row}")
    return complaints


def _decide_by_services(site, each, seed, go_at):
    site.join()
    from conversations.models import Interrupt

    interrupt_id = Interrupt.objects.get().pk
    sam = living.find_sam()
    dice = random.Random(seed)
    asked = [dice.choice(("approved", "rejected", "staff", "expired")) for _ in range(each)]
    with ThreadPoolExecutor(THREADS) as threads:
        time.sleep(max(0, go_at - time.time()))
        return Counter(threads.map(lambda what: (what, _decide(interrupt_id, what, sam)), asked))


def _decide(interrupt_id, what, sam=None):
    from django.db import close_old_connections

    from conversations.errors import ConversationsError
    from conversations.services import interrupts

    try:
        if what == "expired":
            return WON if interrupts.expire_due() else "NoPendingInterrupt"
        interrupts.decide(
            interrupt_id,
            approved=what != "rejected",
            by="staff" if what == "staff" else "customer",
            user=sam if what == "staff" else None,
        )
        return WON
    except ConversationsError as error:
        return type(error).__name__
    finally:
        close_old_connections()


def _decide_by_sockets(url, token, count, go_at):
    """Each connection says yes twice and no twice, and hears one answer to each."""

    async def one(at):
        import websockets

        async with websockets.connect(url + "/ws/chat/", ping_interval=None) as socket:
            hello = {"type": "hello", "token": token, "thread_id": living.THREAD, "after_seq": 0}
            await socket.send(json.dumps(hello))
            await asyncio.sleep(max(0, go_at - time.time()))
            for approved in (True, False, True, False):
                answer = {"type": "interrupt_response", "thread_id": living.THREAD}
                await socket.send(json.dumps({**answer, "approved": approved}))
            await socket.send(json.dumps({"type": "ping"}))
            return await listen(socket)

    async def listen(socket):
        """Return how many of the four answers were refused, or answered with the retry prompt."""
        refused, prompts = 0, 0
        while True:
            frame = json.loads(await asyncio.wait_for(socket.recv(), SECONDS))
            refused += frame.get("code") == "no_pending_interrupt"
            prompts += frame["type"] == "interrupt_expired"
            if frame["type"] == "pong":
                return refused, prompts

    async def everybody():
        return await asyncio.gather(*[one(at) for at in range(count)])

    refused, prompts = map(sum, zip(*asyncio.run(everybody()), strict=True))
    heard = Counter({("by socket", "NoPendingInterrupt"): refused})
    # The prompt also comes to each view as an event, so it cannot be told who was answered with it.
    heard["by socket", "InterruptExpired" if prompts else WON] = 4 * count - refused
    return +heard


# --- at the very moment ---


def trial_boundary(plan, databases):
    """Decide and expire within 5 ms of `expires_at`, each in its own thread."""
    result = Result()
    processes, each = plan.pick((2, 10), (4, 125))
    copy = databases.make()
    try:
        works = [(_decide_at_the_end, copy, plan.seed + at, each) for at in range(processes)]
        outcomes = Counter()
        for _, ended in forks.run_all(works, at_once=plan.at_once, seconds=300):
            if ended.error:
                result.fail(ended.error)
                continue
            for told, row, effect in ended.value:
                outcomes[told, row, effect] += 1
                result.note(
                    f"told {told}, row {row}, effect {effect}", _is_untrue(told, row, effect)
                )
        late = copy.rows(
            "SELECT id FROM conversations_interrupt WHERE"
            " (status = 'approved' AND decided_at >= expires_at)"
            " OR (status = 'expired' AND decided_at < expires_at)"
        )
        result.note("decided in time, expired when due", [str(row) for row in late])
        result.note("rows", invariants.check(copy, is_over=False))
        result.figures = {" ".join(map(str, key)): n for key, n in sorted(outcomes.items())}
        return result
    finally:
        copy.drop()


def _is_untrue(told, row, effect):
    right = (told, row, effect) in (
        (WON, "approved", "ok"),
        ("InterruptExpired", "expired", "error"),
    )
    return [] if right else ["the answer, the row and the effect do not agree"]


def _decide_at_the_end(copy, seed, count):
    living.begin(copy, BY_NAME["approve"].script())
    dice = random.Random(seed)
    told, lead_seconds = [], 0.01
    with ThreadPoolExecutor(2) as threads:
        for at in range(count):
            told.append(_one_at_the_end(copy, dice, threads, seed * 1000 + at, lead_seconds))
            # From the call to its look at the clock it takes a while, more on a busy machine: aim at the very end.
            lead_seconds += -0.002 if told[-1][0] == WON else 0.002
    return told


def _one_at_the_end(copy, dice, threads, number, lead_seconds):
    from conversations.models import Effect, Interrupt

    conversation = _make_waiting(str(100_000 + number))
    row = conversation.interrupts.get()
    ends = time.time() + 0.06
    Interrupt.objects.filter(pk=row.pk).update(expires_at=datetime.fromtimestamp(ends, UTC))
    moments = [ends - lead_seconds + dice.uniform(-0.005, 0.005) for _ in range(2)]
    deciding = threads.submit(_at, moments[0], row.pk, "approved")
    expiring = threads.submit(_at, moments[1], row.pk, "expired")
    told = deciding.result()
    expiring.result()
    row.refresh_from_db()
    outcome = _perform(conversation, row)
    assert Effect.objects.filter(interrupt=row).exists() == (outcome == "ok")
    return told, row.status, outcome


def _at(moment, interrupt_id, what):
    while time.time() < moment:
        pass
    return _decide(interrupt_id, what)


def _make_waiting(number):
    from agents.context import ProposedWrite
    from agents.models import AgentTemplate
    from conversations.services import runs
    from tests import factories

    version = AgentTemplate.objects.get(slug="shop").current_version
    conversation = factories.make_conversation(version=version)
    factories.make_order(number)
    claim = factories.make_claim(conversation, "Please cancel.")
    args = {"order_number": number}
    write = ProposedWrite("call_1", "orders", "cancel_order", args, "Cancel it.", "customer")
    runs.pause(claim, runs.Progress(), [write])
    return conversation


def _perform(conversation, row):
    """Let the run that goes on try the write, whatever was decided."""
    from asgiref.sync import async_to_sync

    from agents import registry
    from agents.tools import ToolContext
    from conversations.effects import RowLedger
    from conversations.services import runs

    claim = runs.claim_next(conversation.pk)
    context = ToolContext("ana", claim.thread_id, str(claim.run_id), claim.claimed_at)
    tool = registry.get_tool(row.tool, "ecommerce")
    outcome = async_to_sync(RowLedger(claim, context).perform)(tool, row.args, "call_1")
    runs.finish(claim, runs.Progress(), "completed")
    return outcome.status
