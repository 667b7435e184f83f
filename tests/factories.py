"""Rows for tests, each made by one plain function. The people never change: Ana and Ben write in."""

import asyncio
import copy
import uuid
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.models import Permission, User

from agents.services import publish_version
from agents.spec import TemplateSpec
from agents.tools import ToolContext
from agents.verticals.ecommerce.models import Customer, Order
from conversations.database import database_now
from conversations.models import Conversation, Interrupt, Visitor
from conversations.services import runs as run_services
from conversations.services.interrupts import digest
from conversations.services.messages import receive_message

# Two agents with tools of the e-commerce vertical: small, so that a test can tell all that is in it.
SHOP = {
    "slug": "shop",
    "vertical": "ecommerce",
    "name": "Corner Shop",
    "greeting": "Hello!",
    "demo_customer": "ana",
    "agents": [
        {
            "name": "orders",
            "label": "Orders",
            "description": "Finds and cancels orders.",
            "prompt": "You look after orders at {company}. The customer is {customer_name}.",
            "tools": [
                {"name": "list_orders"},
                {"name": "get_order"},
                {"name": "cancel_order", "approver": "customer"},
            ],
        },
        {
            "name": "payments",
            "label": "Payments",
            "description": "Pays back and takes off.",
            "prompt": "You look after payments at {company}.",
            "tools": [
                {
                    "name": "refund_order",
                    "limits": {"measure": "amount", "customer": "50", "staff": "1000"},
                    "hidden": ["refunded_before"],
                },
                {
                    "name": "apply_discount",
                    "limits": {"measure": "percent", "none": "5", "customer": "10", "staff": "20"},
                },
            ],
        },
    ],
}


def make_spec(**changes):
    """The small shop, with some of its top-level keys changed."""
    return TemplateSpec.model_validate({**copy.deepcopy(SHOP), **changes})


def make_version(spec=None):
    return publish_version(spec or make_spec(), source="tests")


def make_customer(ref="ana", name="Ana Keller"):
    customer, _ = Customer.objects.get_or_create(
        ref=ref,
        defaults={
            "name": name,
            "email": f"{ref}@example.com",
            "address": "Lindenweg 4, 50667 Cologne, Germany",
        },
    )
    return customer


def make_order(number, *, customer="ana", status="processing", total="89.90"):
    now = database_now()
    return Order.objects.create(
        number=number,
        customer=make_customer(customer),
        status=status,
        placed_at=now - timedelta(days=9),
        delivered_at=now - timedelta(days=5) if status == "delivered" else None,
        shipping_address="Lindenweg 4, 50667 Cologne, Germany",
        total=Decimal(total),
    )


def make_visitor(**values):
    return Visitor.objects.create(**values)


def make_conversation(*, visitor=None, version=None, **values):
    return Conversation.objects.create(
        thread_id=values.pop("thread_id", None) or f"thread-{uuid.uuid4().hex}",
        visitor=visitor or make_visitor(),
        version=version or make_version(),
        last_activity_at=values.pop("last_activity_at", None) or database_now(),
        **values,
    )


def make_message(conversation, content="Where is my order?", **values):
    """Receive a message as its own visitor would send it; returns `Accepted`."""
    return receive_message(
        visitor_id=conversation.visitor_id,
        thread_id=conversation.thread_id,
        content=content,
        template=conversation.version.template.slug,
        **values,
    )


def make_claim(conversation, content="Where is my order?"):
    """A message whose run this process has claimed."""
    make_message(conversation, content)
    return run_services.claim_next(conversation.pk)


def make_interrupt(run, *, tool="cancel_order", args=None, tool_call_id=None, **values):
    """An interrupt as `pause` stores it; a pending one for the customer, unless told otherwise."""
    now = database_now()
    args = {"order_number": "1043"} if args is None else args
    return Interrupt.objects.create(
        conversation=run.conversation,
        run=run,
        agent=values.pop("agent", "orders"),
        tool=tool,
        tool_call_id=tool_call_id or f"call_{uuid.uuid4().hex[:8]}",
        args=args,
        digest=values.pop("digest", None) or digest(tool, args),
        message=values.pop("message", "Cancel order 1043."),
        approver=values.pop("approver", "customer"),
        created_at=now,
        expires_at=values.pop("expires_at", now + timedelta(minutes=30)),
        **values,
    )


def make_context(customer_id="ana", **values):
    return ToolContext(
        customer_id=customer_id, thread_id="t", run_id="r", now=database_now(), **values
    )


def make_staff(name, *, may_decide=False, may_take_over=False):
    """Sam may decide, and take over; Olga is staff without those permissions."""
    user = User.objects.create_user(name, is_staff=True, first_name=name.title())
    names = ["decide_interrupt", "settle_effect"] if may_decide else []
    names += ["take_over"] if may_take_over else []
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def make_sam():
    """Sam, made when he is first needed."""
    return User.objects.filter(username="sam").first() or make_staff("sam", may_decide=True)


def run_async(work):
    """Run a coroutine to its end, in a loop of its own."""
    return asyncio.run(work)
