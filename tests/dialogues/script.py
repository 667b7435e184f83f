"""What a dialogue's YAML holds: a customer's turns, what is expected of each, and the rows in the end.

    - name: A parcel that has left cannot be cancelled any more
      turns:
        - say: cancel order 1042 please
          agents: [orders]                                # the plan; without it: none is sent
          calls: [{cancel_order: error, order_number: "1042"}]
          hears: [already been shipped, return it within 30 days]

A turn is one of `say` (the customer writes), `press` (approve or decline, by button), `staff` (approve or decline) and
`expire` (nobody answers in time). Of each is expected exactly this, and no more:

- agents: the plan, in order
- calls: tool calls that ended in this turn, in order: {tool: outcome, argument: value, …}; other arguments are free
- waits: writes that begin to wait in this turn: {tool: customer or staff, argument: value, …}; "says": in the question
- hears, never: words that are, or are not, in what the customer reads
- asks: words of a clarification; without it there is none

`rows` are the rows in the end: "Order(number=1043)": {field: value}, or how many there are. Models that are not named
there have not changed. `customer` writes instead of Ana. `xfail` is the reason why a dialogue is known to fail.
"""

import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

Decision = Literal["approve", "decline"]
INPUTS = ("say", "press", "staff", "expire")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Turn(Strict):
    say: str | None = None
    press: Decision | None = None
    staff: Decision | None = None
    expire: bool | None = None
    on: str | None = None
    agents: list[str] = []
    calls: list[dict[str, Any]] = []
    waits: list[dict[str, Any]] = []
    hears: list[str] = []
    never: list[str] = []
    asks: list[str] = []

    @model_validator(mode="after")
    def _has_one_input(self):
        if sum(getattr(self, name) is not None for name in INPUTS) != 1:
            raise ValueError(f"a turn has one of {', '.join(INPUTS)}")
        return self

    @property
    def title(self):
        return next(
            f"{name}: {getattr(self, name)}" for name in INPUTS if getattr(self, name) is not None
        )


class Dialogue(Strict):
    name: str
    customer: str | None = None
    turns: list[Turn]
    rows: dict[str, dict[str, Any] | int] = {}
    wants_person: bool = False
    xfail: str | None = None

    @property
    def tools(self):
        """The tools that are expected to be called."""
        return {next(iter(call)) for turn in self.turns for call in turn.calls}


def read_dialogues(vertical):
    path = Path(__file__).parent / f"{vertical}.yaml"
    return [Dialogue(**one) for one in yaml.safe_load(path.read_text(encoding="utf-8"))]


def read_row(text):
    """Return the model and the look-up of "Order(number=1043)"."""
    found = re.fullmatch(r"(\w+)\((.*)\)", text)
    pairs = [pair.split("=", 1) for pair in found[2].split(", ") if pair]
    return found[1], dict(pairs)
