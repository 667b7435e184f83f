"""The service's terms. The template and the demo's help articles tell customers the same numbers."""

from __future__ import annotations

from decimal import Decimal

REFUND_DAYS = 60
PAYOUT_DAYS = 5
CREDIT_DAYS = 90
MAX_PAYMENT_ATTEMPTS = 5
KEY_GRACE_HOURS = 24
MAX_KEY_GRACE_HOURS = 72
INVITATION_DAYS = 7
DATA_KEPT_DAYS = 30
INCIDENT_DAYS = 14
VAT_PERCENT = Decimal(20)
