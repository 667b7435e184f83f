"""What staff see of conversations. It shows rows and calls services; it changes nothing by itself."""

from django.contrib import admin

from conversations.admin.conversations import ConversationAdmin
from conversations.admin.effects import EffectAdmin
from conversations.admin.interrupts import InterruptAdmin
from conversations.admin.records import ReceiptAdmin, RunAdmin, VisitorAdmin

__all__ = [
    "ConversationAdmin",
    "EffectAdmin",
    "InterruptAdmin",
    "ReceiptAdmin",
    "RunAdmin",
    "VisitorAdmin",
]

admin.site.index_template = "admin/conversations/index.html"
