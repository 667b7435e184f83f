"""SQL made once reads and writes what the ORM would: the same values, of the same types, on both databases."""

from decimal import Decimal

import pytest
from django.db import models

from conversations.database import database_now
from conversations.models import Conversation, Event, Message, Run, Usage, Visitor
from conversations.rows import change, execute, insert, read
from tests.factories import make_claim

pytestmark = pytest.mark.django_db

TEXT = 'Ünïcode, "quotes", \\ and {braces}, %s, 😀\nand a line'


def values(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def run(conversation):
    return Run.objects.get(pk=make_claim(conversation, TEXT).run_id)


@pytest.mark.parametrize("model", [Visitor, Conversation, Run, Message, Event])
def test_rows_are_read_as_the_orm_reads_them(run, model):
    row = model.objects.get()
    [ours] = read(model, "pk", [row.pk])
    assert ours == row
    assert values(ours) == values(row)
    assert [type(value) for value in values(ours).values()] == [
        type(value) for value in values(row).values()
    ]


def test_rows_are_found_by_what_they_belong_to_and_by_more(conversation, run):
    assert read(Event, "conversation", [conversation.pk], also="AND seq > %s", params=[0])
    assert not read(Event, "conversation", [conversation.pk], also="AND seq > %s", params=[1])


def test_what_is_not_read_is_read_when_it_is_asked_for(run):
    [message] = read(Message, "run", [run.pk], defer=("content",))
    assert "content" in message.get_deferred_fields()
    assert message.content == TEXT


def test_rows_of_one_statement_are_all_there(conversation, run):
    now = database_now()
    payload = {"content": TEXT, "number": 1.5, "list": [None, True, {"a": "b"}]}
    rows = [
        Event(
            conversation=conversation, run=run, seq=seq, type="t", payload=payload, created_at=now
        )
        for seq in (2, 3)
    ]
    insert(rows)
    stored = Event.objects.filter(type="t").order_by("seq")
    assert [row.seq for row in stored] == [2, 3]
    for ours, theirs in zip(rows, stored, strict=True):
        assert {**values(ours), "id": theirs.pk} == values(theirs)


def test_what_has_no_price_and_what_has_one(run):
    costs = (None, Decimal("0.000123"))
    insert([Usage(run=run, agent="a", model=str(cost), cost_usd=cost) for cost in costs])
    assert [row.cost_usd for row in Usage.objects.order_by("pk")] == list(costs)


def test_only_the_named_fields_are_written(conversation, run):
    row = Conversation.objects.get()
    row.status, row.last_seq, row.cost_usd = "waiting", 9, Decimal("1.5")
    execute(change([row], ("last_seq", "cost_usd")))
    stored = Conversation.objects.get()
    assert (stored.status, stored.last_seq, stored.cost_usd) == ("open", 9, Decimal("1.5"))


def test_each_row_gets_its_own(conversation):
    visitors = [Visitor(name=name) for name in ("Ana", "Ben")]
    insert(visitors)
    for visitor in visitors:
        visitor.name += "!"
    execute(change(visitors, ("name",)))
    assert set(Visitor.objects.exclude(name="").values_list("name", flat=True)) == {"Ana!", "Ben!"}
    assert all(visitor.created_at for visitor in Visitor.objects.all())


def test_every_field_of_a_turn_s_tables_is_written(run):
    # One that computes its value on saving would need more than `insert` does.
    for model in (Run, Message, Event, Usage, Visitor):
        for field in model._meta.concrete_fields:
            assert not getattr(field, "auto_now", False)
            assert type(field).pre_save in (models.Field.pre_save, models.DateTimeField.pre_save)
