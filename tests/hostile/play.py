"""Plays a hostile script on real rows, through the product's sockets, services, graph and checkpoints."""

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from unittest import mock

from django.apps import apps

from agents import compiled
from conversations.database import database_now
from conversations.models import Conversation, Interrupt, Visitor
from conversations.services import interrupts
from tests import factories
from tests.dialogues.script import read_row
from tests.hostile import tampering, world
from tests.hostile.answers import make_model
from tests.hostile.canaries import plant_in_rows, plant_in_template
from tests.hostile.sockets import Socket
from tests.talk import in_database


@dataclass
class Played:
    """What came of a script.

    Attributes:
        people: Ana's and Ben's sockets.
        before: All rows of the vertical before, and after.
        problems: What was not as the script says while it was played.
    undo: What is put right again in the end.
        undo: What is put right again in the end.
    """

    script: object
    canaries: dict
    spec: object
    people: dict
    model: object = None
    before: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    undo: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def thread_id(self, name="main"):
        return f"{self.spec.slug}-{name}"

    @property
    def ana(self):
        return self.people["ana"]


async def play(script, spec, canaries, monkeypatch):
    """Play a script to its end; returns what came of it."""
    spec = plant_in_template(spec, canaries)
    await in_database(_prepare_rows, script, canaries)
    await in_database(factories.make_version, spec)
    async with Socket() as ana, Socket() as ben:
        played = Played(script, canaries, spec, {"ana": ana, "ben": ben})
        played.model = make_model(script, canaries)
        monkeypatch.setattr("agents.compiled.build_chat_model", played.model.build)
        compiled._compiled.clear()
        played.before = await in_database(world.snapshot, script.vertical)
        for name, socket in played.people.items():
            session = await socket.hello(template=spec.slug)
            await in_database(_vouch, session["visitor_id"], name, script)
        with played.undo, _broken(script.breaks, canaries):
            for turn in script.turns:
                await _take(played, turn)
        played.after = await in_database(world.snapshot, script.vertical)
    compiled._compiled.clear()
    return played


def _prepare_rows(script, canaries):
    import_module(f"agents.verticals.{script.vertical}.demo").load()
    plant_in_rows(script.vertical, canaries)
    for text, fields in script.rows.items():
        model, lookup = read_row(text)
        changed = apps.get_model(script.vertical, model).objects.filter(**lookup).update(**fields)
        assert changed, f"there is no {text}"


def _vouch(visitor_id, name, script):
    customer = script.customer if name == "ana" else name
    shown = script.customer_name if name == "ana" else ""
    Visitor.objects.filter(pk=visitor_id).update(customer_id=customer, name=shown)


def _broken(path, canaries):
    """Let a function of the vertical break, with a secret in its exception."""
    if path is None:
        return contextlib.nullcontext()
    return mock.patch(path, side_effect=RuntimeError(f"password={canaries['fault']}"))


async def _take(played, turn):
    socket, errors = played.people[turn.by], len(played.people[turn.by].of("error"))
    await _do(played, turn, socket)
    conversation_id = await in_database(_find_conversation, played.thread_id(turn.thread))
    if conversation_id is not None:
        await played.ana.idle(conversation_id)
    await socket.settled()
    codes = [frame["code"] for frame in socket.of("error")[errors:]]
    if codes != ([turn.refused] if turn.refused else []) and not _is_failure(played, codes):
        played.problems.append(f"{turn}: answered by the errors {codes}")


def _is_failure(played, codes):
    """A run that failed says so in a frame of its own."""
    return "failed" in played.script.expected_ends and codes == ["internal_error"]


async def _do(played, turn, socket):
    thread_id = played.thread_id(turn.thread)
    waiting = [f for who in played.people.values() for f in who.waiting(thread_id, turn.on)]
    if turn.say is not None:
        await socket.say(thread_id, turn.say)
        await socket.settled()
    elif turn.press:
        for frame in waiting[:1]:
            answer = {"approved": turn.press == "approve", "interrupt_id": frame["interrupt_id"]}
            await socket.send("interrupt_response", thread_id=thread_id, **answer)
    elif turn.staff:
        await in_database(_decide_as_staff, waiting[0]["interrupt_id"], turn.staff == "approve")
    elif turn.expire:
        await in_database(_expire_what_waits)
    elif turn.frame:
        await socket.send(**_filled(turn.frame, played, thread_id))
    else:
        await getattr(tampering, turn.tamper)(played)


def _filled(frame, played, thread_id):
    known = [f["interrupt_id"] for who in played.people.values() for f in who.of("interrupt")]
    names = {"$thread": thread_id, "$interrupt": known[-1] if known else "none"}
    fields = {"kind": frame["type"], "thread_id": thread_id, **frame}
    del fields["type"]
    return {
        name: names.get(value, value) if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _decide_as_staff(interrupt_id, approved):
    sam = factories.make_staff("sam", may_decide=True)
    interrupts.decide(interrupt_id, approved=approved, by="staff", user=sam)


def _expire_what_waits():
    waiting = Interrupt.objects.filter(status=Interrupt.Status.PENDING)
    waiting.update(expires_at=database_now() - timedelta(seconds=1))
    interrupts.expire_due()


def _find_conversation(thread_id):
    return Conversation.objects.filter(thread_id=thread_id).values_list("pk", flat=True).first()
