"""What was said, what was decided, what was done. Rows, constraints, and questions about one's own row."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When

# How admin lists what waits for people: that first, then the newest. Indexed, as it stands here.
PENDING_FIRST = Case(
    When(status="pending", then=Value(0)), default=Value(1), output_field=models.IntegerField()
)
UNKNOWN_FIRST = Case(
    When(status="unknown", then=Value(0)), default=Value(1), output_field=models.IntegerField()
)


def new_id() -> uuid.UUID:
    return uuid.uuid4()


class Visitor(models.Model):
    """Whoever a connection belongs to: an unknown browser, or a customer whom the site has vouched for."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    customer_id = models.CharField(max_length=200, null=True, blank=True, unique=True)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    locale = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="visitor_by_age"),
            models.Index(
                fields=["created_at"],
                condition=Q(customer_id=None),
                name="visitor_anonymous_by_age",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.customer_id or f"Visitor {str(self.id)[:8]}"


class Conversation(models.Model):
    class Status(models.TextChoices):
        OPEN = "open"
        WAITING = "waiting", "waits for approval"
        HANDED_OFF = "handed_off", "handed off"
        CLOSED = "closed"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    thread_id = models.CharField(max_length=128, unique=True)
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="conversations")
    version = models.ForeignKey(
        "agents.TemplateVersion", on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    wants_person = models.BooleanField(
        default=False, help_text="A person was asked for, and none has come yet."
    )
    people_spoke_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person last took over, or said something."
    )
    last_seq = models.PositiveIntegerField(default=0)
    last_activity_at = models.DateTimeField()
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-last_activity_at"]
        indexes = [
            models.Index(fields=["-last_activity_at"]),
            models.Index(
                fields=["-last_activity_at"],
                condition=Q(wants_person=True),
                name="conversation_wanting_person",
            ),
        ]

    def __str__(self) -> str:
        return self.thread_id

    @property
    def is_without_agents(self) -> bool:
        """Whether nothing that an agent says now may be heard: a person has it, or it is closed."""
        return self.status in (self.Status.HANDED_OFF, self.Status.CLOSED)


class Run(models.Model):
    """One customer message on its way to its answer."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        WAITING = "waiting", "waits for approval"
        COMPLETED = "completed"
        INTERRUPTED = "interrupted"
        STOPPED = "stopped"
        FAILED = "failed"
        HANDED_OFF = "handed_off", "handed off"

    ACTIVE = (Status.RUNNING, Status.WAITING)
    UNFINISHED = (Status.PENDING, *ACTIVE)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="runs")
    position = models.PositiveIntegerField(help_text="The seq of the message_accepted event.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    is_paused = models.BooleanField(
        default=False,
        help_text="The graph has stopped at an interrupt: resume it, do not start it.",
    )
    fence = models.PositiveIntegerField(default=0)
    failed_attempts = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    stop_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    ready_at = models.DateTimeField(help_text="When it last became pending.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["conversation", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(status__in=["running", "waiting"]),
                name="one_active_run_a_conversation",
            ),
            models.UniqueConstraint(fields=["conversation", "position"], name="run_position_once"),
        ]
        indexes = [
            models.Index(
                fields=["ready_at"], condition=Q(status="pending"), name="run_pending_by_age"
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(status="running"),
                name="run_running_by_lease",
            ),
            models.Index(fields=["-created_at"], name="run_by_age"),
        ]

    def __str__(self) -> str:
        return f"Run {str(self.id)[:8]}"


class Message(models.Model):
    class Role(models.TextChoices):
        CUSTOMER = "customer"
        AGENT = "agent"
        STAFF = "staff"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    run = models.ForeignKey(
        Run, null=True, blank=True, on_delete=models.CASCADE, related_name="messages"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    agent = models.CharField(max_length=40, blank=True)
    author = models.CharField(max_length=200, blank=True)
    content = models.TextField()
    is_for_person = models.BooleanField(
        default=False, help_text="Of a customer's message: a person had, or took, the conversation."
    )
    client_message_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - unique, so absent is NULL
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_message_id"], name="client_message_id_once"
            ),
        ]

    def __str__(self) -> str:
        return self.content[:60]


class Interrupt(models.Model):
    """A write that waits, or waited, for approval. Also a policy's own approval of what nobody needs to approve."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        SUPERSEDED = "superseded"

    class Approver(models.TextChoices):
        NONE = "none", "nobody (policy)"
        CUSTOMER = "customer"
        STAFF = "staff"

    class By(models.TextChoices):
        CUSTOMER = "customer"
        STAFF = "staff"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="interrupts"
    )
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="interrupts")
    agent = models.CharField(max_length=40)
    tool = models.CharField(max_length=40)
    tool_call_id = models.CharField(max_length=100)
    args = models.JSONField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of tool and canonical arguments.")
    measure = models.TextField(
        blank=True, help_text="The number that the policy's limits looked at."
    )
    business_key = models.CharField(
        max_length=200,
        null=True,
        blank=True,
        unique=True,
        help_text="Held while this write waits or is under way, and in a foreign system after it was done.",
    )
    message = models.TextField()
    approver = models.CharField(max_length=10, choices=Approver.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=10, choices=By.choices, blank=True)
    decided_by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "tool_call_id"], name="one_interrupt_a_tool_call"
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(status="pending"),
                name="interrupt_pending_by_expiry",
            ),
            models.Index(PENDING_FIRST, F("created_at").desc(), name="interrupt_as_listed"),
        ]
        permissions = [("decide_interrupt", "Can approve or decline what waits for staff")]

    def __str__(self) -> str:
        return self.message[:80]


class Effect(models.Model):
    """One change in the world, done under one approval. The row exists if and only if the approval is used up.

    In our own database row and change are one transaction. In a foreign system the row is committed as `started`
    before the call, and the outcome after it; what is found `started` after a crash may or may not have been done.
    """

    class Status(models.TextChoices):
        STARTED = "started", "under way"
        UNKNOWN = "unknown", "unknown: staff have to look"
        DONE = "done"
        REFUSED = "refused", "refused by the tool"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    interrupt = models.OneToOneField(Interrupt, on_delete=models.PROTECT, related_name="effect")
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="effects")
    tool = models.CharField(max_length=40)
    args = models.JSONField()
    status = models.CharField(max_length=10, choices=Status.choices)
    result = models.TextField(blank=True)
    fence = models.PositiveIntegerField(
        default=0, help_text="The claim of the run under which it was called."
    )
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    settled_note = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(status="unknown"),
                name="effect_unknown_by_age",
            ),
            models.Index(UNKNOWN_FIRST, F("created_at").desc(), name="effect_as_listed"),
        ]
        permissions = [("settle_effect", "Can say whether an effect of unknown outcome was done")]

    def __str__(self) -> str:
        return f"{self.tool}: {self.status}"


class Receipt(models.Model):
    """What is kept of an effect when its conversation is purged: who approved what kind of change, and what came of it.

    No content: neither the customer nor what was said, and of the arguments only the digest.
    """

    id = models.UUIDField(
        primary_key=True, editable=False, help_text="The interrupt's: a foreign system knows it."
    )
    tool = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, help_text="SHA-256 of tool and canonical arguments.")
    business_key = models.CharField(
        max_length=200,
        null=True,
        blank=True,
        unique=True,
        help_text="Held in a foreign system after it was done.",
    )
    approver = models.CharField(max_length=10, choices=Interrupt.Approver.choices)
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=10, choices=Interrupt.By.choices)
    decided_by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Effect.Status.choices)
    done_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-done_at"]
        indexes = [models.Index(fields=["-done_at"], name="receipt_by_age")]

    def __str__(self) -> str:
        return f"{self.tool}: {self.status}"


class Event(models.Model):
    """One stored frame of a conversation: 1, 2, 3 … in each thread, without gaps."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="events")
    run = models.ForeignKey(
        Run, null=True, blank=True, on_delete=models.CASCADE, related_name="events"
    )
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=30)
    payload = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["conversation", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="seq_once_a_conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"


class Checkpoint(models.Model):
    """Where a conversation's graph stands, as LangGraph keeps it; written with the rows of the run that came so far."""

    conversation = models.OneToOneField(
        Conversation, primary_key=True, on_delete=models.CASCADE, related_name="checkpoint"
    )
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"Checkpoint of {self.conversation_id}"


class Usage(models.Model):
    """What one agent used of one model in one run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="usage")
    agent = models.CharField(max_length=40)
    model = models.CharField(max_length=100)
    calls = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, help_text="Empty: no known price."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "agent", "model"], name="usage_once_an_agent_and_model"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} {self.model}: {self.input_tokens}+{self.output_tokens}"
