"""docs/explanation/model-failures.md has one row for each case, and says what these tests prove."""

from pathlib import Path

from agents.model_faults import KINDS
from tests.model.cases import CASES, said_in
from tests.openai_server.misbehaviours import ALL

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/model-failures.md"
HEAD = ["misbehaviour", "customer sees", "stored", "retried", "staff see"]


def table(head):
    text = PAGE.read_text()
    lines = text[text.index("| " + " | ".join(head) + " |") :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_each_misbehaviour_of_the_server_is_a_case():
    assert CASES.keys() == ALL.keys()


def test_the_table_has_a_row_for_each_case_and_says_what_is_tested():
    wanted = [
        [n.replace("<think>", "`<think>`"), c.customer, c.stored, c.retried, c.staff]
        for n, c in CASES.items()
    ]
    written = "\n".join("| " + " | ".join(row) + " |" for row in wanted)
    assert table(HEAD) == wanted, f"the table should be:\n{written}"


def test_the_page_explains_each_code():
    assert {row[0].strip("`") for row in table(["code", "what the log says"])} == {
        *KINDS,
        "model_looped",
    }
    texts = dict(table(["code", "what the log says"]))
    assert all(texts[f"`{code}`"] == kind.text for code, kind in KINDS.items())


def test_each_case_says_something():
    assert all(said_in(name) for name in CASES)
