"""The groups of trials: their names, what a plan asks of them, what comes of one."""

from dataclasses import dataclass, field
from importlib import import_module


@dataclass(frozen=True)
class Plan:
    """How much is tried.

    Attributes:
        kills: How many of the places at which a process may be killed; 0 for all.
        seed: What the dice start from, so that a trial can be repeated.
        at_once: How many trials at a time.
    """

    is_short: bool = False
    seed: int = 1
    at_once: int = 2
    scenarios: tuple[str, ...] = ()
    kills: int = 0

    def pick(self, short, long):
        return short if self.is_short else long


@dataclass
class Result:
    """What came of a group.

    Attributes:
        trials: How many were made.
        failures: What was wrong, one text for each trial that failed.
        figures: Numbers worth keeping.
    """

    trials: int = 0
    failures: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def note(self, title, complaints):
        """Count a trial, and what was wrong with it."""
        self.trials += 1
        if complaints:
            self.failures.append(f"{title}:\n  " + "\n  ".join(map(str, complaints)))

    def fail(self, text):
        self.trials += 1
        self.failures.append(text)


@dataclass(frozen=True)
class Group:
    """One row of the table in docs/explanation/promises.md.

    Attributes:
        name: What `--only` takes.
        title: What is done, for people.
        promises: Numbers of the promises that it tries.
        place: The function, "module:function".
        databases: On which it makes sense.
    """

    name: str
    title: str
    promises: tuple[int, ...]
    place: str
    databases: tuple[str, ...] = ("sqlite", "postgres")

    def run(self, plan, databases):
        module, function = self.place.split(":")
        return getattr(import_module(f"tests.faults.{module}"), function)(plan, databases)


GROUPS = (
    Group(
        "kill",
        "kill -9 at every point of a run and of a decision",
        (1, 2, 3, 4),
        "kills:trial_kill",
    ),
    Group(
        "web",
        "the web server killed at random under 8 customers",
        (1, 2, 4, 6),
        "random_kills:trial_web",
    ),
    Group(
        "worker",
        "a worker killed at random under 8 customers and staff",
        (1, 4),
        "random_kills:trial_worker",
    ),
    Group("sleep", "SIGSTOP past the lease, takeover, SIGCONT", (3, 4), "sleepers:trial_sleep"),
    Group("decide", "1 000 decisions at once on one interrupt", (4, 5), "decisions:trial_decide"),
    Group(
        "boundary",
        "decide and expire within 5 ms of expires_at",
        (4, 5),
        "decisions:trial_boundary",
    ),
    Group("cut", "sockets cut at 200 random bytes, two tabs", (2, 6), "cuts:trial_cut"),
    Group("valkey", "Valkey killed and back empty; gone for 30 s", (1, 6), "outages:trial_valkey"),
    Group(
        "postgres",
        "PostgreSQL restarted at once; its backends terminated",
        (1, 2, 3, 4),
        "outages:trial_postgres",
        ("postgres",),
    ),
    Group("sweep", "8 sweeps at once; two beats", (1, 3, 5), "sweeps:trial_sweep"),
    Group("clock", "the clock of one process an hour off", (3, 5), "clocks:trial_clock"),
    Group(
        "version",
        "a template published, edited, deleted in the middle",
        (8,),
        "versions:trial_version",
    ),
)
