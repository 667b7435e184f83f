"""Takes each guard away in turn, and sees whether a test notices: python -m tests.hostile.guards [--baseline]

The guards stand in guards.yaml. All happens in one process, beside no other tests: each mutated file is compiled anew,
and the code of the one function that differs is exchanged in place, so that whoever imported it has the mutated one.
"""

import ast
import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest
import yaml
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[2]
GUARDS = Path(__file__).parent / "guards.yaml"
SCRIPTS = "tests/hostile/test_scripts.py::test_a_hostile_model_gains_nothing"


class GuardLostError(Exception):
    """A line of guards.yaml is not in the source."""


@dataclass(frozen=True)
class Mutation:
    guard: str
    file: str
    line: str
    becomes: str
    test: str

    @property
    def node_id(self):
        return self.test if "::" in self.test else f"{SCRIPTS}[{self.test}]"

    def mutate(self):
        """Return the mutated source, and the name of the function that differs."""
        source = (ROOT / self.file).read_text(encoding="utf-8")
        if source.count(self.line) != 1:
            found = source.count(self.line)
            raise GuardLostError(f"{self.file}: {found} times instead of once: {self.line!r}")
        at = source[: source.index(self.line)].count("\n") + 1
        return source.replace(self.line, self.becomes), _name_of_function(ast.parse(source), at)

    def find(self):
        """Return the function that differs and its code without the guard."""
        source, name = self.mutate()
        module = importlib.import_module(self.file.removesuffix(".py").replace("/", "."))
        code = _find_code(compile(source, str(ROOT / self.file), "exec"), name)
        function = module
        for part in name.split("."):
            function = getattr(function, part)
        return getattr(function, "function", function), code


def read_mutations():
    """Return all mutations, in the order of the file."""
    files = yaml.safe_load(GUARDS.read_text(encoding="utf-8"))
    return [Mutation(file=file, **one) for file, ones in files.items() for one in ones]


def _name_of_function(tree, line):
    """Return the dotted name of the function or method around a line."""
    names = []
    body = tree.body
    while body:
        around = next((n for n in body if n.lineno <= line <= n.end_lineno), None)
        body = []
        if isinstance(around, ast.ClassDef):
            names.append(around.name)
            body = around.body
        elif isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef):
            return ".".join([*names, around.name])
    raise GuardLostError(f"line {line} is in no function")


def _find_code(code, name):
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == name:
                return constant
            if found := _find_code(constant, name):
                return found
    return None


class Runner:
    """A pytest plugin: runs each test once for every guard that it should miss."""

    def __init__(self, mutations, *, has_baseline):
        self._mutations = mutations
        self._has_baseline = has_baseline
        self.noticed = {}
        self.broken = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        wanted = [m for m in self._mutations if self._is_meant(m, item)]
        turns = ([None] if self._has_baseline else []) + wanted
        for at, mutation in enumerate(turns):
            following = nextitem if at + 1 == len(turns) else item.parent
            self._run(item, following, mutation)
        return True

    def _is_meant(self, mutation, item):
        return item.nodeid == mutation.node_id or item.nodeid.startswith(f"{mutation.node_id}[")

    def _run(self, item, following, mutation):
        item._initrequest()
        if mutation is None:
            if any(r.failed for r in runtestprotocol(item, nextitem=following, log=False)):
                self.broken.add(item.nodeid)
            return
        function, code = mutation.find()
        kept, function.__code__ = function.__code__, code
        try:
            reports = runtestprotocol(item, nextitem=following, log=False)
        finally:
            function.__code__ = kept
        has_failed = any(report.failed for report in reports)
        self.noticed[mutation] = self.noticed.get(mutation, False) or has_failed


def run(*, has_baseline):
    """Run all; returns {"noticed": guards, "missed": guards, "broken": tests that fail without a mutation}."""
    mutations = read_mutations()
    runner = Runner(mutations, has_baseline=has_baseline)
    ids = list(dict.fromkeys(mutation.node_id for mutation in mutations))
    pytest.main([*ids, "-q", "-p", "no:cacheprovider", "-o", "addopts="], plugins=[runner])
    return {
        "noticed": [m.guard for m in mutations if runner.noticed.get(m)],
        "missed": [m.guard for m in mutations if not runner.noticed.get(m)],
        "broken": sorted(runner.broken),
    }


def main():
    result = run(has_baseline="--baseline" in sys.argv)
    sys.stdout.write("\n" + json.dumps(result) + "\n")
    sys.exit(bool(result["missed"] or result["broken"]))


if __name__ == "__main__":
    main()
