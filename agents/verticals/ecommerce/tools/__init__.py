"""What the shop's agents can look up and do."""

from agents.verticals.ecommerce.tools.account import save_address, set_newsletter, update_email
from agents.verticals.ecommerce.tools.discounts import (
    apply_discount,
    generate_coupon,
    list_coupons,
)
from agents.verticals.ecommerce.tools.feedback import list_reviewable_products, submit_review
from agents.verticals.ecommerce.tools.help import delivery_options, search_help
from agents.verticals.ecommerce.tools.invoices import get_invoice
from agents.verticals.ecommerce.tools.orders import cancel_order, get_order, list_orders
from agents.verticals.ecommerce.tools.refunds import get_refund_status, refund_order
from agents.verticals.ecommerce.tools.returns import request_return
from agents.verticals.ecommerce.tools.shipping import change_shipping_address, track_shipment

__all__ = [
    "apply_discount",
    "cancel_order",
    "change_shipping_address",
    "delivery_options",
    "generate_coupon",
    "get_invoice",
    "get_order",
    "get_refund_status",
    "list_coupons",
    "list_orders",
    "list_reviewable_products",
    "refund_order",
    "request_return",
    "save_address",
    "search_help",
    "set_newsletter",
    "submit_review",
    "track_shipment",
    "update_email",
]
