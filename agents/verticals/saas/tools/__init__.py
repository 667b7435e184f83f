"""What the service's agents can look up and do."""

from agents.verticals.saas.tools.cancelling import cancel_subscription, resume_subscription
from agents.verticals.saas.tools.credits import apply_credit, list_credits
from agents.verticals.saas.tools.help import search_help, service_status
from agents.verticals.saas.tools.invoices import (
    get_invoice,
    get_payment_status,
    list_invoices,
    retry_payment,
)
from agents.verticals.saas.tools.keys import list_api_keys, rotate_api_key
from agents.verticals.saas.tools.members import (
    invite_member,
    list_members,
    remove_member,
    reset_mfa,
)
from agents.verticals.saas.tools.plan import change_plan, get_subscription, list_plans
from agents.verticals.saas.tools.refunds import get_refund_status, refund_invoice
from agents.verticals.saas.tools.seats import change_seats
from agents.verticals.saas.tools.tickets import list_tickets, open_ticket

__all__ = [
    "apply_credit",
    "cancel_subscription",
    "change_plan",
    "change_seats",
    "get_invoice",
    "get_payment_status",
    "get_refund_status",
    "get_subscription",
    "invite_member",
    "list_api_keys",
    "list_credits",
    "list_invoices",
    "list_members",
    "list_plans",
    "list_tickets",
    "open_ticket",
    "refund_invoice",
    "remove_member",
    "reset_mfa",
    "resume_subscription",
    "retry_payment",
    "rotate_api_key",
    "search_help",
    "service_status",
]
