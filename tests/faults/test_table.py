"""The table in the documentation is of the trials that there are, from a result that is kept."""

import json
import re

from bench.report import RESULTS
from tests.contracts.docs_pages import DOCS
from tests.faults.groups import GROUPS
from tests.faults.table import table

PAGE = (DOCS / "explanation" / "promises.md").read_text()


def test_each_group_has_a_row_with_the_command_that_repeats_it():
    named = re.findall(r"`make faults ARGS=\"--only ([a-z]+)\"`", PAGE)
    assert named == [group.name for group in GROUPS]


def test_the_table_is_what_the_result_says():
    [name] = set(re.findall(r"bench/results/(faults-[0-9-]+\.json)", PAGE))
    assert table(json.loads((RESULTS / name).read_text())) in PAGE


def test_every_promise_that_can_be_broken_by_a_death_is_tried():
    assert {number for group in GROUPS for number in group.promises} >= {1, 2, 3, 4, 5, 6, 8}
