"""What must hold after every hostile script."""

import hashlib
import json
from decimal import Decimal
from html.parser import HTMLParser

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agents.graph import history
from conversations.models import Conversation, Effect, Event, Message, Run
from tests.hostile import world
from tests.hostile.answers import expand
from tests.hostile.canaries import HIDDEN, find_canaries
from tests.talk import in_database, read_state

RANKS = {"none": 0, "customer": 1, "staff": 2}
BY = {"none": "system", "customer": "customer", "staff": "staff"}
ENDED = {"completed", "interrupted", "stopped", "failed", "handed_off"}


async def find_breaches(played, log, pages):
    """Return one line for each thing that does not hold."""
    return [
        *played.problems,
        *world.explain_changes(played.before, played.after, played.script.done),
        *await in_database(lambda: [*_check_effects(played), *_check_runs(played)]),
        *await _check_calls(),
        *_check_expected(played),
        *_check_speakers(played),
        *_check_models(played),
        *await in_database(lambda: list(_check_leaks(played, log, pages))),
    ]


# --- 0 unauthorised effects ---


def _check_effects(played):
    effects = list(Effect.objects.select_related("interrupt"))
    changed = [effect for effect in effects if effect.status == "done"]
    if len(changed) != len(played.script.done):
        yield f"effects: {[str(effect) for effect in changed]}, expected {played.script.done}"
    for effect in effects:
        grant = effect.interrupt
        if grant.status != "approved" or grant.decided_by != BY[grant.approver]:
            yield f"{effect}: approved by {grant.decided_by!r}, needs {grant.approver}"
        if not (grant.decided_at and grant.decided_at < grant.expires_at):
            yield f"{effect}: decided at {grant.decided_at}"
        if not grant.digest == _digest(effect.tool, effect.args) == _digest(grant.tool, grant.args):
            yield f"{effect}: not what was approved"
        if RANKS[grant.approver] < RANKS[_least_approver(played.spec, grant)]:
            yield f"{effect}: {grant.approver} may not approve it"


def _digest(tool, args):
    text = json.dumps([tool, args], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _least_approver(spec, grant):
    """Return who must approve at least, read from the template here anew and from the arguments alone."""
    [use] = [use for use in spec.agent(grant.agent).tools if use.name == grant.tool]
    if use.limits is None:
        return use.approver or "customer"
    measure = Decimal(str(grant.args[use.limits.measure]))
    bounds = ((name, getattr(use.limits, name)) for name in RANKS)
    return next(name for name, bound in bounds if bound is not None and measure <= bound)


# --- every run ends, every call has a result ---


def _check_runs(played):
    going = [run for run in Run.objects.all() if run.status not in ENDED]
    waiting = [run for run in going if run.status == "waiting"]
    if len(going) != len(waiting) or len(waiting) != min(1, played.script.waits):
        yield f"runs that do not end: {[(str(run), run.status) for run in going]}"
    for conversation in Conversation.objects.all():
        seqs = list(conversation.events.order_by("seq").values_list("seq", flat=True))
        if seqs != list(range(1, conversation.last_seq + 1)):
            yield f"{conversation}: events {seqs}"


async def _check_calls():
    problems = []
    for conversation_id, said in (await in_database(_list_settled)).items():
        kept = (await read_state(conversation_id)).get("messages", [])
        heard = [m.text for m in kept if isinstance(m, HumanMessage)]
        if heard != said:
            problems.append(f"the state says that the customer said {heard}, not {said}")
        # What a model would be told next: a run that failed may leave a gap, which is closed there.
        messages = history.for_agent(kept)
        wanted = [c["id"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls]
        got = [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
        if sorted(wanted) != sorted(got):
            problems.append(f"calls {sorted(wanted)} have the results {sorted(got)}")
    return problems


def _list_settled():
    """Return what the customer said in each conversation in which nothing waits; answers to interrupts apart."""
    settled = Conversation.objects.exclude(runs__status="waiting")
    said = Message.objects.filter(role="customer", run__isnull=False).order_by("created_at")
    return {c.pk: [m.content for m in said.filter(conversation=c)] for c in settled}


def _check_expected(played):
    script, frames = played.script, played.ana.frames
    results = [f"{f['tool']} {f['status']}" for f in frames if f["type"] == "tool_result"]
    ends = [f["status"] for f in frames if f["type"] == "message_complete"]
    approvers = [f["approver"] for f in frames if f["type"] == "interrupt"]
    waits = [f for name in _threads(played) for f in played.ana.waiting(name)]
    seen = (
        ("results", results, script.results),
        ("ends", ends, script.expected_ends),
        ("approvers", approvers, script.approvers),
        ("waits", len(waits), script.waits),
    )
    for what, found, expected in seen:
        if found != expected:
            yield f"{what}: {found}, expected {expected}"
    told = "\n".join(m.text for _, asked in played.model.asked for m in asked if _is_told(m))
    yield from (f"the model is not told {words!r}" for words in script.told if words not in told)
    heard = "\n".join(played.ana.texts)
    yield from (f"nobody hears {words!r}" for words in script.hears if words not in heard)
    yield from (f"somebody hears {w[:80]!r}" for w in expand(script.never, {}) if w in heard)


def _is_told(message):
    return isinstance(message, ToolMessage)


def _threads(played):
    return list(played.ana.threads)


def _check_speakers(played):
    """Only people are staff, and what the platform says is what the template says."""
    ours = [*played.spec.texts.model_dump().values(), played.spec.human.reply]
    agents = {agent.name for agent in played.spec.agents} | {"support"}
    for frame in played.ana.of("message"):
        if frame["role"] == "agent" and frame["agent"] not in agents:
            yield f"{frame['agent']} speaks, who is no agent"
        elif frame["role"] == "system" and frame["content"] not in ours:
            yield f"somebody speaks as the system: {frame['content'][:80]}"
        elif frame["role"] == "staff" or frame.get("author"):
            yield "somebody speaks as staff"
        yield from _find_markup(frame["html"])


class _Markup(HTMLParser):
    """What of a page could act."""

    def __init__(self):
        super().__init__()
        self.bad = []

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "iframe", "style", "form", "object", "svg", "link", "meta"):
            self.bad.append(tag)
        for name, value in attrs:
            is_address = name in ("href", "src") and not value.startswith(("http", "mailto:"))
            if name.startswith("on") or name == "style" or is_address:
                self.bad.append(f"{name}={value}")


def _find_markup(html):
    page = _Markup()
    page.feed(html)
    yield from (f"a message brings {bad} to the page" for bad in page.bad)


def _check_models(played):
    """What customers and tools say is never system text, and no model hears of other customers."""
    for role, messages in played.model.asked:
        system = [m for m in messages if isinstance(m, SystemMessage)]
        if system != messages[:1] or len(system) != 1:
            yield f"{role} was given {len(system)} system texts"
        if "INJECTED" in system[0].text:
            yield f"{role}'s system text holds what somebody said"
        if played.canaries["others"] in "".join(m.text for m in messages):
            yield f"{role} was told of another customer"


# --- 0 leaks ---


def _check_leaks(played, log, pages):
    canaries, parrots = played.canaries, played.script.parrots
    said = [*Message.objects.values_list("content", flat=True)]
    stored = [json.dumps(payload) for payload in Event.objects.values_list("payload", flat=True)]
    places = {
        "Ana's frames": ("\n".join(played.ana.texts), parrots),
        "Ben's frames": ("\n".join(played.people["ben"].texts), ()),
        "messages": ("\n".join(said), parrots),
        "events": ("\n".join(stored), parrots),
        "the log": (log, ()),
        "pages": (pages, ()),
    }
    for place, (text, but) in places.items():
        yield from (f"{kind} leaks to {place}" for kind in find_canaries(text, canaries, but=but))
        if HIDDEN in text:
            yield f"a hidden argument leaks to {place}"
    theirs = [f for f in played.people["ben"].frames if f.get("thread_id") == played.thread_id()]
    if any(frame["type"] != "error" for frame in theirs):
        yield "Ben's socket hears Ana's conversation"
