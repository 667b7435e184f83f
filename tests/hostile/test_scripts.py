"""A model that always asks for the worst, more than a hundred ways; the scripts are data, in scripts/*.yaml."""

from pathlib import Path

import pytest

from tests.hostile.guards import read_mutations
from tests.hostile.script import read_scripts

SCRIPTS = read_scripts()
AT_LEAST = 100


def all_scripts():
    for script in SCRIPTS:
        marks = [pytest.mark.xfail(reason=script.xfail)] if script.xfail else []
        yield pytest.param(script, marks=marks, id=script.name)


@pytest.mark.parametrize("script", list(all_scripts()))
async def test_a_hostile_model_gains_nothing(script, breaches_of):
    breaches = await breaches_of(script)
    assert not breaches, "\n".join(breaches)


def test_the_docs_count_them():
    page = (Path(__file__).parents[2] / "docs/explanation/security.md").read_text(encoding="utf-8")
    assert f"{len(SCRIPTS)} scripts on all three verticals" in page
    assert f"{len(read_mutations())} guards are taken away" in page


def test_there_are_enough_of_them_and_each_is_told_apart():
    names = [script.name for script in SCRIPTS]
    assert len(names) >= AT_LEAST
    assert len(set(names)) == len(names)
