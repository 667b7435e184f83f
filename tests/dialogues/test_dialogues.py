"""Short dialogues with the shipped verticals: real graph, real tools, real rows, the offline model."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agents.chat_models import build_chat_model
from agents.registry import get_tools
from agents.selectors import get_spec
from conversations.database import database_now
from conversations.models import Interrupt
from conversations.services import interrupts
from tests import factories
from tests.dialogues.honesty import find_unfounded
from tests.dialogues.script import read_dialogues, read_row
from tests.talk import in_database, read_state

VERTICALS = ("ecommerce", "saas", "fintech")
AT_LEAST = 40


class Shipped:
    """Stands where a script would: the models are the product's own."""

    asked = ()
    build = staticmethod(build_chat_model)


def all_dialogues():
    for vertical in VERTICALS:
        for dialogue in read_dialogues(vertical):
            marks = [pytest.mark.xfail(reason=dialogue.xfail)] if dialogue.xfail else []
            yield pytest.param(vertical, dialogue, marks=marks, id=f"{vertical}: {dialogue.name}")


@pytest.mark.parametrize(("vertical", "dialogue"), list(all_dialogues()))
async def test_dialogue(vertical, dialogue, open_talk, shipped_template, learn):
    await in_database(import_module(f"agents.verticals.{vertical}.demo").load)
    before = await in_database(snapshot, vertical)
    version = await in_database(factories.make_version, shipped_template(vertical))
    # Of the row, because it is by that, word for word, that the model knows it again.
    learn(get_spec(version))
    talk = await open_talk(Shipped(), version=version)
    if dialogue.customer:
        await in_database(vouch_for, talk.conversation.visitor, dialogue.customer)
    problems = []
    for turn in dialogue.turns:
        frames = await take(talk, turn)
        differences = compare(turn, frames, talk)
        if differences:
            problems += [f"[{turn.title}] {line}" for line in differences]
    problems += await in_database(compare_rows, vertical, dialogue, before)
    problems += await find_false_claims(talk, vertical)
    await in_database(talk.conversation.refresh_from_db)
    if talk.conversation.wants_person != dialogue.wants_person:
        problems.append(f"wants a person: {talk.conversation.wants_person}")
    assert not problems, "\n".join([*problems, "", *transcript(talk)])


def vouch_for(visitor, customer):
    visitor.customer_id = customer
    visitor.save(update_fields=["customer_id"])


async def take(talk, turn):
    """Do what the turn says; returns the frames that came of it."""
    before = len(talk.frames)
    if turn.say is not None:
        await talk.say(turn.say)
    elif turn.expire:
        await in_database(expire_what_waits, talk.conversation)
        await talk.settled()
    elif talk.waiting:
        by = "customer" if turn.press else "staff"
        await talk.answer((turn.press or turn.staff) == "approve", turn.on, by=by)
    return talk.frames[before:]


def expire_what_waits(conversation):
    waiting = conversation.interrupts.filter(status=Interrupt.Status.PENDING)
    waiting.update(expires_at=database_now() - timedelta(seconds=1))
    interrupts.expire_due()


def compare(turn, frames, talk):
    """Return how the frames of a turn differ from what it expects."""
    if not frames:
        yield "nothing came of it"
    said = "\n".join(map(heard, frames)).casefold()
    asked = "\n".join(f["message"] for f in frames if f["type"] == "clarification").casefold()
    plans = [agent for f in frames if f["type"] == "routing" for agent in f["agents"]]
    if plans != turn.agents:
        yield f"agents: {plans}, expected {turn.agents}"
    ended = [f for f in frames if f["type"] == "tool_result"]
    args = {f["tool_call_id"]: f["args"] for f in talk.of("tool_call")}
    calls = [({f["tool"]: f["status"]}, args[f["tool_call_id"]]) for f in ended]
    yield from compare_calls("calls", turn.calls, calls)
    waits = [f for f in talk.waiting if f in frames]
    seen = [({f["action"]: f["approver"]}, {**f["params"], "says": f["message"]}) for f in waits]
    yield from compare_calls("waits", turn.waits, seen)
    for words in turn.hears:
        if words.casefold() not in said:
            yield f"does not hear {words!r}"
    for words in turn.never:
        if words.casefold() in said + asked:
            yield f"hears {words!r}"
    for words in turn.asks:
        if words.casefold() not in asked:
            yield f"is not asked {words!r}"
    if asked and not turn.asks:
        yield "is asked what is meant"
    if any(f["type"] == "error" for f in frames):
        yield "gets an error"


def heard(frame):
    """Return what the customer reads of a frame, a clarification apart."""
    if frame["type"] == "message":
        return frame["content"]
    return frame["message"] if frame["type"] == "interrupt_expired" else ""


def compare_calls(kind, expected, seen):
    if len(expected) != len(seen) or not all(map(is_as_expected, expected, seen)):
        yield f"{kind}: {[{**how, **args} for how, args in seen]}, expected {expected}"


def is_as_expected(expected, seen):
    how, args = seen
    if not how.items() <= expected.items():
        return False
    rest = {name: value for name, value in expected.items() if name not in how}
    says = rest.pop("says", "")
    return says in args.get("says", "") and all(
        name in args and str(args[name]) == str(value) for name, value in rest.items()
    )


def snapshot(vertical):
    """Return all rows of a vertical, by model."""
    models = apps.get_app_config(vertical).get_models()
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def compare_rows(vertical, dialogue, before):
    """Return how the rows in the end differ from what the dialogue expects."""
    problems = []
    named = set()
    for text, expected in dialogue.rows.items():
        name, lookup = read_row(text)
        named.add(name)
        rows = list(apps.get_model(vertical, name).objects.filter(**lookup))
        if isinstance(expected, int):
            if len(rows) != expected:
                problems.append(f"{text}: {len(rows)} rows, expected {expected}")
        elif len(rows) != 1:
            problems.append(f"{text}: {len(rows)} rows, expected one")
        else:
            for field, value in expected.items():
                found = getattr(rows[0], field)
                if str(found) != str(value):
                    problems.append(f"{text}: {field} is {found!s}, expected {value!s}")
    for name, rows in snapshot(vertical).items():
        if name not in named and rows != before[name]:
            changed = [row for row in rows if row not in before[name]]
            problems.append(f"{name} has changed: {changed}")
    return problems


async def find_false_claims(talk, vertical):
    """Return what an agent has said to be done although no tool result of that run says so."""
    state = await read_state(talk.conversation.pk)
    writes = {name for name, tool in get_tools(vertical).items() if tool.effect == "write"}
    problems, results = [], []
    for message in state.get("messages", []):
        if isinstance(message, HumanMessage):
            results = []
        elif isinstance(message, ToolMessage):
            outcome = message.additional_kwargs.get("outcome", "ok")
            results.append((message.name, outcome, message.text))
        elif isinstance(message, AIMessage):
            found = find_unfounded(message.text, results, writes)
            problems += [f"claims what no result says: {sentence}" for sentence in found]
    return problems


def transcript(talk):
    for frame in talk.frames:
        match frame["type"]:
            case "message_accepted":
                yield f"> {frame['content']}"
            case "routing":
                yield f"    {frame['agents']}"
            case "tool_call":
                yield f"    {frame['tool']} {frame['args']}"
            case "tool_result":
                yield f"    {frame['tool']}: {frame['status']}"
            case "interrupt":
                yield f"    waits for {frame['approver']}: {frame['message']}"
            case "interrupt_resolved":
                yield f"    {frame['outcome']} by {frame['by']}"
            case "message":
                yield f"{frame['role']}: {frame['content']}"
            case "clarification":
                yield f"asks: {frame['message']}"


@pytest.mark.parametrize("vertical", VERTICALS)
def test_each_vertical_has_enough_dialogues_and_each_of_its_tools_occurs(
    vertical, shipped_template
):
    dialogues = read_dialogues(vertical)
    assert len(dialogues) >= AT_LEAST
    assert len({dialogue.name for dialogue in dialogues}) == len(dialogues)
    spec = shipped_template(vertical)
    named = {use.name for agent in spec.agents for use in agent.tools}
    called = set().union(*(d.tools for d in dialogues if not d.xfail))
    assert not named - called


@pytest.mark.parametrize(
    ("answer", "results", "count"),
    [
        ("Your order is cancelled.", [], 1),
        ("Done: I have refunded 20.00 EUR.", [("list_orders", "ok", "{}")], 1),
        ("Order 1041 has already been cancelled.", [("cancel_order", "error", "{}")], 1),
        ("Done. It is cancelled.", [("cancel_order", "ok", "{}")], 0),
        ("It was cancelled.", [("get_order", "ok", '{"summary": "It was cancelled."}')], 0),
        ("All right, I have not done it, and nothing was changed.", [], 0),
        ("Once it is cancelled, the money is paid back.", [], 0),
    ],
)
def test_a_claim_needs_a_result_that_says_so(answer, results, count):
    assert len(find_unfounded(answer, results, {"cancel_order"})) == count
