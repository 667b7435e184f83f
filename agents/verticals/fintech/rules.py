"""The bank's terms. The template and the demo's help articles tell customers the same numbers."""

from __future__ import annotations

from decimal import Decimal

CURRENCY = "EUR"
# The schemes' own window for a chargeback.
DISPUTE_DAYS = 120
DISPUTE_ANSWER_DAYS = 10
# A debit that nobody allowed: SEPA Direct Debit Core Rulebook, 13 months.
UNAUTHORISED_DEBIT_MONTHS = 13
CARD_DAYS = 7
HOLD_DAYS = 7
FEE_REFUND_DAYS = 90
MAX_FEE_REFUND = Decimal(50)
MAX_LIMIT = {
    "payments": Decimal(10_000),
    "withdrawals": Decimal(2_000),
    "transfers": Decimal(10_000),
}
