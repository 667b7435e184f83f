"""The shop's terms. The template and the demo's help articles tell customers the same numbers."""

from __future__ import annotations

from decimal import Decimal

RETURN_DAYS = 30
REFUND_DAYS = 5
COUPON_DAYS = 30
MAX_DISCOUNT_PERCENT = 30
MAX_COUPON_PERCENT = 20
VAT_PERCENT = Decimal(20)
RETURN_ADDRESS = "Northwind Goods Returns, Kanalweg 12, 20097 Hamburg, Germany"
