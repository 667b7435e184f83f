"""Every cause makes one escalation, with its clocks, and the customer is told at once what happens next."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.routing import RouteDecision
from conversations import errors
from conversations.models import Conversation
from conversations.services import interrupts
from conversations.services import runs as run_services
from conversations.services.handoffs import request_handoff, want_person
from escalation.models import Escalation
from tests.conversations.race import race
from tests.escalation.conftest import frames, make_waiting, said
from tests.factories import make_conversation, make_message, make_spec, make_version, make_visitor
from tests.fakes import Script, call, to
from tests.talk import in_database

pytestmark = pytest.mark.django_db(transaction=True)

COMES = "I have asked our team. Somebody will answer you here."
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def ask(conversation, **values):
    return request_handoff(
        visitor_id=values.pop("visitor_id", conversation.visitor_id),
        thread_id=conversation.thread_id,
        template="shop",
        **values,
    )


def closed_hours():
    """Hours that are over or not yet: people come back tomorrow, the day after, and so on."""
    today = DAYS[timezone.now().weekday()]
    return {"hours": {day: ["00:00-24:00"] for day in DAYS if day != today}}


def test_the_customer_asks_and_is_answered_at_once(conversation):
    ask(conversation, reason="It is broken")
    row = Escalation.objects.get()
    assert (row.reason, row.status, row.priority) == ("customer", "requested", "normal")
    assert row.summary == "It is broken\nThe customer has not written anything yet."
    assert [kind for kind, _ in frames(conversation)] == ["handoff", "message"]
    assert frames(conversation, "handoff")[0][1] == {"status": "requested"}
    assert said(conversation, "system") == [COMES]
    conversation.refresh_from_db()
    assert conversation.wants_person
    assert conversation.runs.count() == 0, "no model hears of it"


def test_asking_again_changes_nothing(conversation):
    for _ in range(3):
        ask(conversation)
    assert Escalation.objects.count() == 1
    assert [kind for kind, _ in frames(conversation)] == ["handoff", "message"]


def test_asking_eight_times_at_once_opens_one(conversation):
    results = race(*[lambda: ask(conversation)] * 8)
    assert not [result for result in results if isinstance(result, Exception)]
    assert Escalation.objects.count() == 1
    assert len(frames(conversation, "handoff")) == 1


def test_the_first_word_of_a_conversation_may_be_for_a_person(transactional_db):
    make_version()
    visitor = make_visitor()
    requested = request_handoff(visitor_id=visitor.pk, thread_id="new", template="shop")
    assert requested.after_seq == 0
    assert Conversation.objects.get(thread_id="new").wants_person


def test_another_visitor_s_conversation_is_forbidden(conversation):
    with pytest.raises(errors.Forbidden):
        ask(conversation, visitor_id=make_visitor().pk)
    assert Escalation.objects.count() == 0


def test_a_conversation_that_is_over_calls_nobody(conversation):
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(errors.SessionExpired):
        ask(conversation)
    conversation.refresh_from_db()
    assert (conversation.status, Escalation.objects.count()) == ("expired", 0)


def test_a_promise_of_a_person_keeps_the_conversation_open(conversation):
    ask(conversation)
    Conversation.objects.update(last_activity_at=timezone.now() - timedelta(days=3))
    assert make_message(conversation).is_new


def test_out_of_hours_the_customer_reads_when_people_are_back(transactional_db):
    conversation = make_conversation(version=make_version(make_spec(support=closed_hours())))
    ask(conversation)
    [text] = said(conversation, "system")
    assert text.startswith("Our team is not there at the moment. They are back tomorrow at 00:00")
    row = Escalation.objects.get()
    midnight = row.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    assert row.respond_by == midnight + timedelta(days=1, hours=1), "the night does not count"


def test_targets_are_the_template_s_by_priority(transactional_db):
    targets = {"urgent": {"respond_minutes": 5, "resolve_minutes": 50}}
    conversation = make_conversation(version=make_version(make_spec(support={"targets": targets})))
    want(conversation, "unknown_effect")
    row = Escalation.objects.get()
    assert row.priority == "urgent"
    assert row.respond_by - row.created_at == timedelta(minutes=5)
    assert row.resolve_by - row.created_at == timedelta(minutes=50)
    assert row.due_at == row.respond_by


def want(conversation, reason, **values):
    from django.db import transaction

    from conversations.selectors import conversations_to_lock

    with transaction.atomic():
        locked = conversations_to_lock().get(pk=conversation.pk)
        want_person(locked, reason, now=timezone.now(), **values)


@pytest.mark.parametrize(
    "reason", [value for value in Escalation.Reason.values if value != "staff"]
)
def test_each_cause_has_its_priority_and_is_announced(conversation, reason):
    make_message(conversation)
    want(conversation, reason)
    row = Escalation.objects.get()
    high = {"unknown_effect": "urgent", "failed": "high", "staff_approval_expired": "high"}
    assert (row.reason, row.priority) == (reason, high.get(reason, "normal"))
    spoken = [] if reason in ("routing", "agent", "unknown_effect") else [COMES]
    assert said(conversation, "system") == spoken, "a template's own words are not doubled"


def test_a_spent_budget_calls_a_person_once(transactional_db):
    version = make_version(make_spec(budget={"tokens": 10}))
    conversation = make_conversation(version=version, input_tokens=10)
    for _ in range(2):
        with pytest.raises(errors.BudgetExhausted):
            make_message(conversation)
    assert Escalation.objects.get().reason == "budget"


def test_an_approval_that_staff_let_expire_calls_a_person(conversation):
    past = timezone.now() - timedelta(seconds=1)
    make_waiting(conversation, approver="staff", expires_at=past)
    assert interrupts.expire_due() == 1
    row = Escalation.objects.get()
    assert row.reason == "staff_approval_expired"
    assert row.summary.splitlines() == [
        "First: “Cancel order 1043”",
        "Not done (expired): Cancel order 1043.",
    ]


def test_an_approval_that_the_customer_lets_expire_calls_nobody(conversation):
    make_waiting(conversation, expires_at=timezone.now() - timedelta(seconds=1))
    interrupts.expire_due()
    assert Escalation.objects.count() == 0


def test_a_run_that_has_killed_three_processes_calls_a_person(conversation):
    from conversations.models import Run

    make_message(conversation)
    for at in range(3):
        assert Escalation.objects.count() == 0, at
        run_services.claim_next(conversation.pk)
        Run.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        run_services.recover()
    assert Escalation.objects.get().reason == "failed"


async def test_a_second_run_in_a_row_that_fails_calls_a_person(open_talk):
    talk = await open_talk(Script(router=[ValueError("broken")]))
    await talk.say("Hello?")
    assert await Escalation.objects.acount() == 0
    await talk.say("Hello??")
    assert (await Escalation.objects.aget()).reason == "failed"
    assert talk.stored[-3:] == ["message_complete", "handoff", "message"]


async def test_the_router_may_send_to_a_person_and_the_words_come_once(open_talk):
    talk = await open_talk(Script(router=[to("human")]))
    await talk.say("A person, please")
    assert (await Escalation.objects.aget()).reason == "routing"
    assert len(talk.said) == 1
    assert talk.stored[-3:] == ["message", "handoff", "message_complete"]


async def test_an_agent_asks_for_a_person_with_a_summary(open_talk):
    asks = call("request_handoff", reason="No tool for it", summary="Ana wants a wooden crate.")
    talk = await open_talk(Script(router=[to("orders")], orders=[asks]))
    await talk.say("I want a wooden crate")
    row = await Escalation.objects.aget()
    assert (row.reason, row.summary) == ("agent", "Ana wants a wooden crate.")
    assert talk.outcomes == ["handed_off"]
    assert len(talk.said) == 1
    assert talk.of("tool_call") == talk.waiting == [], (
        "it is no write, and none of the customer's business"
    )


async def test_a_transfer_to_a_person_is_a_request_too(open_talk):
    asks = call("transfer_to_agent", agent="human", reason="A crate is wanted")
    talk = await open_talk(Script(router=[to("orders")], orders=[asks]))
    await talk.say("I want a crate")
    row = await Escalation.objects.aget()
    assert (row.reason, row.summary) == ("agent", "A crate is wanted")


async def test_a_request_beside_a_write_waits_for_its_answer(open_talk, shop):
    asks = call("request_handoff", reason="r", summary="s")
    script = Script(
        router=[to("orders")], orders=[[call("cancel_order", order_number="1043"), asks]]
    )
    talk = await open_talk(script)
    await talk.say("Cancel 1043, then a person")
    assert await Escalation.objects.acount() == 0
    await talk.answer(True)
    assert talk.results == [("cancel_order", "ok")]
    assert (await Escalation.objects.aget()).reason == "agent"


async def test_each_agent_has_the_tool_without_naming_it(open_talk):
    from agents.compiled import HANDOFF, compile_template

    bound = []

    class Model:
        def bind_tools(self, schemas):
            bound.append([schema["function"]["name"] for schema in schemas])

        def with_structured_output(self, *args, **kwargs):
            return self

    import agents.compiled as compiled

    original, compiled.build_chat_model = compiled.build_chat_model, lambda *args: Model()
    try:
        compile_template(make_spec())
    finally:
        compiled.build_chat_model = original
    assert len(bound) == 2
    assert all(names.count(HANDOFF) == 1 for names in bound)


async def test_the_third_question_in_a_row_calls_a_person(open_talk):
    unclear = RouteDecision(is_ambiguous=True, clarification_question="Which?")
    talk = await open_talk(Script(router=[unclear]))
    for at in range(3):
        assert await Escalation.objects.acount() == 0, at
        await talk.say("Hm")
    assert (await Escalation.objects.aget()).reason == "clarifications"
    assert talk.stored[-4:] == ["clarification", "handoff", "message", "message_complete"]


async def test_an_answer_between_questions_begins_the_count_anew(open_talk):
    unclear = RouteDecision(is_ambiguous=True, clarification_question="Which?")
    script = Script(router=[unclear, unclear, to("orders"), unclear], orders=["Fine."])
    talk = await open_talk(script)
    for _ in range(5):
        await talk.say("Hm")
    assert await Escalation.objects.acount() == 0
    await talk.say("Hm")
    assert await Escalation.objects.acount() == 1


async def test_agents_go_on_until_somebody_comes(open_talk):
    talk = await open_talk(Script(router=[to("orders")], orders=["Here."]))
    await in_database(ask, talk.conversation)
    await talk.say("And my order?")
    assert talk.said == [COMES, "Here."]
