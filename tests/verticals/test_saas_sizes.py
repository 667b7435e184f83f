"""A model sees 4 kB of a result: a large workspace's lists stay within that."""

import json

import pytest
from django.utils import timezone

from agents.verticals.saas import demo, tools
from tests.verticals.cloud import acme, call

MAX_BYTES = 4_096


@pytest.fixture
def _large(db):
    demo.load()
    now = timezone.now()
    workspace = acme()
    for n in range(40):
        workspace.members.create(
            name=f"Maximiliane Hohenberg {n}", email=f"m.hohenberg{n}@acme.example", joined_at=now
        )
        workspace.api_keys.create(name=f"Warehouse robots {n}", hint="ffff", created_at=now)
        workspace.tickets.create(problem="It does not work. " * 100, note="x" * 200, created_at=now)
        workspace.balance.create(kind="credit", amount=-1, text="Credit: outage", created_at=now)
        is_paid = n > 19
        invoice = workspace.invoices.create(
            number=f"INV-{5000 + n}",
            status="paid" if is_paid else "failed",
            failure="" if is_paid else "no_funds",
            issued_on=now.date(),
            paid_at=now if is_paid else None,
            total=9000,
        )
        invoice.refunds.create(amount=9000, reason="charged_twice", created_at=now)


@pytest.mark.usefixtures("_large")
@pytest.mark.parametrize(
    "name",
    [
        "get_payment_status",
        "get_refund_status",
        "list_api_keys",
        "list_credits",
        "list_invoices",
        "list_members",
        "list_tickets",
    ],
)
def test_a_long_list_is_cut_to_what_a_model_sees(name):
    result = call(getattr(tools, name))
    assert len(json.dumps(result, ensure_ascii=False).encode()) <= MAX_BYTES
    assert result["summary"]


@pytest.mark.usefixtures("_large")
def test_a_member_of_a_large_workspace_is_found_by_name():
    assert "and 37 more" in call(tools.list_members)["summary"]
    found = call(tools.list_members, search="hohenberg 39")["members"]
    assert [row["email"] for row in found] == ["m.hohenberg39@acme.example"]
