"""`make eval` on a handful of rows: which figures it gives for which file; never how high they are."""

import json
import subprocess
import sys

import pytest

from tests.site import ROOT

CANCEL = {"text": "please cancel order 1042", "intent": "cancel_order", "agent": "orders"}
WEATHER = {"text": "will it snow tomorrow", "intent": None, "agent": None}
FILES = {
    "ecommerce_intents": [{**CANCEL, "slot": {"order_id": "1042"}}],
    "telecom_intents": [],
    "fitness_examples": [],
    "out_of_scope": [
        {"text": CANCEL["text"], "scope": "ecommerce", "oos": False},
        {"text": WEATHER["text"], "scope": "ecommerce", "oos": True},
        {"text": "roam in Spain", "scope": "telecom", "oos": False},
    ],
    "multi_intent": [
        {"text": "cancel order 1042 and also send me an invoice", "multi": True, "agents": ["orders", "billing"],
         "domain": "ecommerce"},
        {"text": CANCEL["text"], "multi": False, "agents": ["orders"], "domain": "ecommerce"},
    ],
    "ambiguous": [
        {"text": "can you change it", "ambiguous": True},
        {"text": CANCEL["text"], "ambiguous": False, "domain": "ecommerce"},
    ],
    "real_shop_examples": [CANCEL, {**CANCEL, "text": "cancel my purchase"},
                           {"text": "how tall is it", "intent": "SIZE", "agent": "product"},
                           {"text": "what size is this", "intent": "SIZE", "agent": "product"}],
    "real_shop_queries": [CANCEL, WEATHER],
}  # fmt: skip
FIGURES = {
    "ecommerce_intents": {"intent_accuracy", "agent_accuracy", "slot_accuracy"},
    "out_of_scope": {"auroc", "detection_rate", "false_alarm_rate"},
    "multi_intent": {"detection_rate", "false_alarm_rate", "order_accuracy", "f1"},
    "ambiguous": {"auroc", "detection_rate", "false_alarm_rate"},
    "real_shop_queries": {"intent_accuracy", "agent_accuracy", "auroc", "end_to_end_accuracy"},
}


def evaluate(data, results):
    return subprocess.run(
        [sys.executable, "-m", "bench", "eval", "--data", data, "--results", results],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    data, results = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("results")
    for name, rows in FILES.items():
        (data / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = evaluate(data, results)
    assert done.returncode == 0, done.stderr
    [kept] = results.iterdir()
    lines = {one["file"]: one for one in map(json.loads, done.stdout.splitlines())}
    return {"lines": lines, "table": done.stderr, "kept": json.loads(kept.read_text())}


@pytest.mark.parametrize("name", FIGURES)
def test_each_file_has_its_figures_in_one_line(done, name):
    line = done["lines"][name]
    assert FIGURES[name] <= line.keys()
    assert line["ms_per_message_cpu"] > 0
    assert line in done["kept"]["files"]
    assert name in done["table"]


def test_a_vertical_that_is_not_installed_is_named(done):
    line = done["lines"]["out_of_scope"]
    assert (line["n"], line["not_installed"], line["rows_left_out"]) == (2, ["telecom"], 1)
    assert "not installed: telecom (1 rows)" in done["table"]


def test_what_the_start_costs_is_kept(done):
    assert done["kept"]["start"]["seconds"] > 0
    assert done["kept"]["start"]["memory_mb"] > 0


def test_an_empty_folder_is_one_clear_line(tmp_path):
    done = evaluate(tmp_path, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "make eval DATA=" in done.stderr
