"""What the bank's agents can look up and do."""

from agents.verticals.fintech.tools.account import (
    account_details,
    change_limits,
    get_limits,
    identity_status,
)
from agents.verticals.fintech.tools.cards import (
    check_card,
    freeze_card,
    list_cards,
    replace_card,
    track_card,
    unfreeze_card,
)
from agents.verticals.fintech.tools.disputes import dispute_transaction
from agents.verticals.fintech.tools.exchange import exchange_rate, list_exchange_rates
from agents.verticals.fintech.tools.fees import list_fees, refund_fee
from agents.verticals.fintech.tools.help import search_help
from agents.verticals.fintech.tools.security import report_lost_card
from agents.verticals.fintech.tools.top_ups import get_top_up, list_top_ups
from agents.verticals.fintech.tools.transactions import (
    get_transaction,
    list_card_payments,
    list_disputable_transactions,
    list_refunds,
    list_transactions,
    list_withdrawals,
)
from agents.verticals.fintech.tools.transfers import cancel_transfer, get_transfer, list_transfers

__all__ = [
    "account_details",
    "cancel_transfer",
    "change_limits",
    "check_card",
    "dispute_transaction",
    "exchange_rate",
    "freeze_card",
    "get_limits",
    "get_top_up",
    "get_transaction",
    "get_transfer",
    "identity_status",
    "list_card_payments",
    "list_cards",
    "list_disputable_transactions",
    "list_exchange_rates",
    "list_fees",
    "list_refunds",
    "list_top_ups",
    "list_transactions",
    "list_transfers",
    "list_withdrawals",
    "refund_fee",
    "replace_card",
    "report_lost_card",
    "search_help",
    "track_card",
    "unfreeze_card",
]
