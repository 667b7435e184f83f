"""Tools: async functions with typed arguments that a model may call."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

Effect = Literal["read", "write"]
External = Literal["idempotent", "once"]
Result = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """Say that something cannot be done: why, and what can be done instead.

    The text reaches the customer. Raise it from `prepare` where possible, so that nobody is asked to approve what
    cannot be done, and from the tool again, because the world may have changed since.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ToolContext:
    """Whose call it is. Who the customer is comes from here, never from an argument.

    Attributes:
        customer_id: The customer in the vertical's own terms; None for somebody whom the site has not vouched for.
        thread_id: The conversation.
        run_id: The run.
        now: Aware UTC time of the call.
        idempotency_key: The same for every try of one approved call; for foreign systems.
    """

    customer_id: str | None
    thread_id: str
    run_id: str
    now: datetime
    idempotency_key: str = ""

    @property
    def idempotency_headers(self) -> dict[str, str]:
        """The header by which a foreign system knows that a call is the same one again."""
        return {"Idempotency-Key": self.idempotency_key}

    def require_customer(self) -> str:
        """Return the customer, or refuse when there is none."""
        if self.customer_id is None:
            raise Refusal(
                "I can only do this for a customer who is signed in. Please sign in first."
            )
        return self.customer_id


@dataclass(frozen=True)
class Proposal:
    """A write, made ready to be approved: nothing has been changed yet.

    Attributes:
        message: What will happen, in the customer's words: "Refund 42.00 EUR for order 1044".
        args: The complete arguments, where the model left some to the server; None: as the model gave them.
        measures: Numbers that limits in a policy look at, such as {"amount": Decimal("42.00")}. Arguments that are
            numbers count as measures by themselves.
    """

    message: str
    args: dict[str, Any] | None = None
    measures: dict[str, Decimal] = field(default_factory=dict)


ToolFunction = Callable[..., Awaitable[Result]]
PrepareFunction = Callable[..., Awaitable[Proposal]]
KeyFunction = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class SupportTool:
    """A tool as the registry knows it.

    Attributes:
        name: The function's name; unique over all installed apps.
        description: The docstring; the model reads it.
        effect: "read" or "write"; an undeclared tool is a write.
        function: Called as `await function(ctx, **arguments)`; returns plain JSON data.
        prepare: For writes: called the same way before the approval; changes nothing; returns a Proposal or raises
            Refusal. Without one the sentence is made from the tool's description.
        external: For writes in a foreign system, which no transaction of ours spans. "idempotent": it may be called
            again with the same key; "once": after a crash nobody knows whether it was done, and staff look.
        key: For writes that must not be in force twice, such as "refund:order-1044": made from the canonical arguments.
            It is held while the write waits or is under way; in a foreign system also after it was done.
        args_model: The arguments, without the context; refuses unknown ones.
        app: The package that holds it.
    """

    name: str
    description: str
    effect: Effect
    function: ToolFunction
    prepare: PrepareFunction | None
    args_model: type[BaseModel]
    app: str
    external: External | None = None
    key: KeyFunction | None = None

    @property
    def is_write(self) -> bool:
        return self.effect != "read"

    def parse(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as typed values; raises pydantic.ValidationError."""
        parsed = self.args_model.model_validate(args)
        return {name: getattr(parsed, name) for name in type(parsed).model_fields}

    def canonical(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as plain JSON in the one form that is stored, shown and approved."""
        return self.args_model.model_validate(args).model_dump(mode="json")

    def schema(self) -> dict[str, Any]:
        """Return the OpenAI function that describes this tool to a model."""
        parameters = self.args_model.model_json_schema()
        parameters.pop("title", None)
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": parameters,
            },
        }


def _args_model(function: ToolFunction) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or hints.get(parameters[0].name) is not ToolContext:
        raise TypeError(f"{function.__qualname__}: the first parameter must be ctx: ToolContext")
    fields: dict[str, Any] = {}
    for parameter in parameters[1:]:
        if parameter.name not in hints:
            raise TypeError(f"{function.__qualname__}: argument {parameter.name!r} has no type")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return create_model(
        f"{function.__name__}_args", __config__=ConfigDict(extra="forbid"), **fields
    )


def support_tool(
    *,
    effect: Effect = "write",
    prepare: PrepareFunction | None = None,
    external: External | None = None,
    key: KeyFunction | None = None,
) -> Callable[[ToolFunction], SupportTool]:
    """Declare an async function as a tool.

    Args:
        effect: "read" for a look-up. Whatever changes something is a "write", and so is what says nothing.
        prepare: See `SupportTool.prepare`.
        external: See `SupportTool.external`.
        key: See `SupportTool.key`.

    Raises:
        TypeError: The function is not async, lacks a docstring, a context or a type; or a read says what only a write
            can say.
    """

    def declare(function: ToolFunction) -> SupportTool:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{function.__qualname__}: a tool is an async function")
        if not function.__doc__:
            raise TypeError(
                f"{function.__qualname__}: a tool needs a docstring; the model reads it"
            )
        if effect == "read" and (prepare or external or key):
            raise TypeError(
                f"{function.__qualname__}: prepare, external and key belong to a write, not to a read"
            )
        return SupportTool(
            name=function.__name__,
            description=inspect.cleandoc(function.__doc__),
            effect=effect,
            function=function,
            prepare=prepare,
            args_model=_args_model(function),
            app=function.__module__.rpartition(".")[0],
            external=external,
            key=key,
        )

    return declare
