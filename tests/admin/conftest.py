"""One conversation with everything in it, and the two members of staff."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils import timezone

from agents.loading import read_template
from agents.services import publish_version
from conversations import events
from conversations.models import Conversation, Effect, Interrupt, Message, Run, Usage, Visitor
from conversations.services.interrupts import digest

SHOP = """\
slug: shop
vertical: ecommerce
name: Harbor Outfitters
greeting: Hello!
agents:
  - name: billing
    label: Billing desk
    description: Refunds and invoices.
    prompt: You are kind.
    tools:
      - {name: get_order}
      - name: refund_order
        limits: {measure: amount, customer: 50, staff: 500.00}
      - {name: tool_of_old, approver: none}
    intents:
      - {name: refund_wanted, examples: [I want my money back]}
"""


@pytest.fixture(autouse=True)
def _as_on_the_site(settings):
    from supportsite.unfold import UNFOLD

    settings.UNFOLD = UNFOLD


def make_staff(name, *permissions):
    user = User.objects.create_user(name, password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


VIEW = (
    "view_conversation",
    "view_interrupt",
    "view_effect",
    "view_run",
    "view_visitor",
    "view_escalation",
    "view_rating",
)
VIEW_AGENTS = ("view_agenttemplate", "view_templateversion")


@pytest.fixture
def sam(db):
    return make_staff("sam", "decide_interrupt", "take_over", *VIEW, *VIEW_AGENTS)


@pytest.fixture
def olga(db):
    return make_staff("olga", *VIEW, *VIEW_AGENTS)


@pytest.fixture
def as_sam(client, sam):
    client.force_login(sam)
    return client


@pytest.fixture
def as_olga(client, olga):
    client.force_login(olga)
    return client


@pytest.fixture
def version(db):
    return publish_version(read_template(SHOP, source="x.yaml"), source="shop/template.yaml")


def make_interrupt(run, **fields):
    now = timezone.now()
    args = fields.pop("args", {"order_number": "1044", "amount": "142.00", "items": ["J-1"]})
    values = {
        "agent": "billing",
        "tool": "refund_order",
        "tool_call_id": f"call_{Interrupt.objects.count()}",
        "message": "Refund 142.00 EUR for order 1044",
        "approver": "staff",
        "created_at": now,
        "expires_at": now + timedelta(minutes=30),
        **fields,
    }
    return Interrupt.objects.create(
        conversation=run.conversation,
        run=run,
        args=args,
        digest=digest(values["tool"], args),
        **values,
    )


def make_conversation(version, visitor, **fields):
    number = Conversation.objects.count()
    values = {"thread_id": f"thread-{number}", "last_activity_at": timezone.now(), **fields}
    return Conversation.objects.create(visitor=visitor, version=version, **values)


def make_run(conversation, **fields):
    now = timezone.now()
    return Run.objects.create(
        conversation=conversation, **{"position": 1, "created_at": now, "ready_at": now, **fields}
    )


def words_of(response):
    """Return what a page of ours says, without its tags."""
    assert response.status_code == 200
    page = response.content.decode().partition('id="content"')[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def publish(run, *facts):
    with transaction.atomic():
        events.publish(run.conversation, list(facts), now=timezone.now(), run=run)


@pytest.fixture
def talk(version):
    """Ana wants her money back: routed, looked up, one refund done, another one waits for staff."""
    now = timezone.now()
    ana = Visitor.objects.create(customer_id="ana", name="Ana Petrova", email="ana@shop.example")
    conversation = make_conversation(
        version,
        ana,
        status="waiting",
        input_tokens=3304,
        output_tokens=200,
        cost_usd=Decimal("0.002"),
    )
    run = make_run(conversation, status="waiting", started_at=now)
    said = Message.objects.create(
        conversation=conversation,
        run=run,
        role="customer",
        content="Money back <b>now</b>",
        created_at=now,
    )
    done = make_interrupt(
        run,
        tool_call_id="done",
        approver="customer",
        status="approved",
        decided_by="customer",
        decided_at=now,
        message="Refund 10.00 EUR for order 1041",
        args={"order_number": "1041", "amount": "10.00", "secret": "4711"},
    )
    Effect.objects.create(
        interrupt=done,
        conversation=conversation,
        tool=done.tool,
        args=done.args,
        status="done",
        result='{"refunded": "10.00 EUR"}',
        created_at=now,
    )
    waiting = make_interrupt(run, tool_call_id="waiting")
    publish(
        run,
        events.MessageAccepted(str(said.pk), said.content, now.isoformat()),
        events.PlanMade(["billing"]),
        events.ToolCalled("billing", "get_order", {"order_number": "1041"}, "look"),
        events.ToolEnded("get_order", "look", "ok"),
        events.ToolCalled("billing", done.tool, {"order_number": "1041"}, "done"),
        events.InterruptResolved(str(done.pk), "approved", "customer"),
        events.ToolEnded(done.tool, "done", "ok"),
        events.ToolCalled("billing", waiting.tool, waiting.args, "waiting"),
        events.StatusChanged("waiting"),
    )
    Usage.objects.create(
        run=run,
        agent="billing",
        model="gpt-4.1-mini",
        calls=2,
        input_tokens=2400,
        cost_usd="0.0012",
    )
    Usage.objects.create(run=run, agent="router", model="our-own-model", calls=1, input_tokens=904)
    return SimpleNamespace(conversation=conversation, run=run, done=done, waiting=waiting)
