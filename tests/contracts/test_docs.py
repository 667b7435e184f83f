"""The documentation says what is there: generated parts, links, names and examples."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from conversations import consumers, events, protocol, runs, voice
from supportsite.env import Environment
from tests.contracts.docs_pages import (
    DOCS,
    PAGES,
    ROOT,
    anchors,
    fences,
    links,
    load_generator,
    name_of,
    prose,
)

README = ROOT / "README.md"
EXAMPLES = [fence for page in PAGES for fence in fences(page)]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def reference(name):
    return (DOCS / "reference" / name).read_text()


@pytest.fixture(scope="module")
def generator():
    return load_generator()


def test_each_generated_part_has_a_place(generator):
    found = [m[1] for page in generator.pages() for m in generator.PART.findall(page.read_text())]
    assert sorted(found) == sorted(generator.PARTS)


def test_generated_parts_are_up_to_date(generator):
    for page in generator.pages():
        text = page.read_text()
        assert generator.fill(text) == text, f"{name_of(page)}: run python docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_link_leads_somewhere(page):
    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_each_page_can_be_reached_from_the_index():
    reached, todo = set(), [DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        here = [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
        todo += [target for target in here if target.suffix == ".md" and target.is_file()]
    missing = set(DOCS.rglob("*.md")) - reached
    assert not missing, f"link from docs/index.md: {sorted(map(name_of, missing))}"


def test_links_to_the_outside_name_no_machine():
    for page in PAGES:
        for link in re.findall(r"https?://[^\s)`'\"]+", page.read_text()):
            assert re.match(r"https?://(localhost|127\.0\.0\.1|[\w.-]+\.[a-z]+)", link), link


def test_each_frame_that_is_sent_is_documented():
    text = reference("protocol.md")
    sent = {fact.type for fact in events.FRAMES}
    for module in (consumers, runs, voice):
        source = Path(module.__file__).read_text()
        sent |= set(re.findall(r'"type": "(\w+)"', source))
    for name in sent | set(protocol.FRAMES):
        assert f"`{name}`" in text


def test_each_fact_is_documented():
    for fact in events.FRAMES:
        assert f"`{fact.name}`" in reference("protocol.md")


def test_each_setting_is_documented_and_in_the_example_file():
    example = (ROOT / ".env.example").read_text()
    for name in Environment.model_fields:
        assert f"`{name}`" in reference("settings.md")
        assert re.search(rf"^#?{name}=", example, re.MULTILINE), f".env.example lacks {name}"


def test_fixed_settings_have_the_documented_values(settings):
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \|", reference("settings.md"), re.MULTILINE)
    assert len(rows) == 11
    for name, value in rows:
        assert getattr(settings, name) == int(value), name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_make_target_that_is_named_exists(page):
    for name in re.findall(r"`make ([a-z-]+)", page.read_text()):
        assert name in TARGETS, f"make {name}"


def test_readme_is_short_and_has_the_two_commands():
    text = README.read_text()
    assert len(text.splitlines()) <= 150
    assert "make run\n" in text
    assert "make test\n" in text


def _of(*languages):
    return [fence for fence in EXAMPLES if fence.language in languages]


@pytest.mark.parametrize("fence", _of("python"), ids=str)
def test_python_examples_parse(fence):
    ast.parse(fence.text)


@pytest.mark.parametrize("fence", _of("yaml"), ids=str)
def test_yaml_examples_parse(fence):
    assert yaml.safe_load(fence.text) is not None


@pytest.mark.parametrize("fence", _of("json"), ids=str)
def test_json_examples_parse(fence):
    json.loads(fence.text)


@pytest.mark.parametrize("fence", _of("sh"), ids=str)
def test_shell_examples_parse(fence):
    done = subprocess.run(["/bin/sh", "-n"], input=fence.text, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fence", _of("sh"), ids=str)
def test_shell_examples_name_targets_that_exist(fence):
    for name in re.findall(r"^make ([a-z-]+)", fence.text, re.MULTILINE):
        assert name in TARGETS, f"make {name}"


def test_each_example_says_its_language():
    for fence in EXAMPLES:
        assert fence.language in {"python", "js", "yaml", "sh", "json", "text"}, str(fence)


def test_images_are_small_and_used():
    used = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    for image in (DOCS / "images").glob("*"):
        assert image.stat().st_size <= 200_000
        assert image in used


def test_decisions_have_their_parts():
    for page in sorted((DOCS / "adr").glob("[0-9]*.md")):
        text = page.read_text()
        for part in ("## Context", "## Choice", "## What we gave up"):
            assert part in text, f"{name_of(page)} lacks {part}"
        assert len(text.splitlines()) <= 70, f"{name_of(page)} is longer than a page"


def test_decisions_are_numbered_without_gaps():
    numbers = [page.name[:4] for page in sorted((DOCS / "adr").glob("[0-9]*.md"))]
    assert numbers == [f"{at:04}" for at in range(1, len(numbers) + 1)]


def test_pages_name_only_modules_that_exist():
    for page in PAGES:
        for path in re.findall(
            r"`((?:agents|conversations|escalation|supportsite|tests|bench)/[\w./]*)`", prose(page)
        ):
            assert (ROOT / path).exists(), f"{name_of(page)}: {path}"


def _names_in(page):
    """Return the identifiers that a page sets as code: `claim_next`, `Engine.start`, `SESSION_TTL_SECONDS`."""
    found = re.findall(r"`([A-Za-z_][\w.]*)(?:\(\))?`", prose(page))
    return {part for name in found for part in name.split(".") if len(part) > 1}


@pytest.fixture(scope="module")
def vocabulary():
    """Every word of the code, the templates and the configuration."""
    packages = ("supportsite", "agents", "conversations", "escalation", "tests")
    files = [f for p in packages for f in (ROOT / p).rglob("*") if f.suffix in (".py", ".yaml")]
    files += [ROOT / name for name in ("Makefile", ".env.example", "docker-compose.yml")]
    files += [*ROOT.glob("requirements*.txt"), *ROOT.glob("*.py"), *ROOT.iterdir()]
    words = set()
    for file in files:
        words |= set(re.findall(r"\w+", file.name))
        if file.is_file() and file.suffix != ".lock":
            words |= set(re.findall(r"\w+", file.read_text(errors="ignore")))
    return words


EXPLAINING = [p for p in PAGES if p.parent.name in ("explanation", "adr", "embed", "how-to")]


@pytest.mark.parametrize("page", EXPLAINING, ids=name_of)
def test_names_that_a_page_explains_exist(page, vocabulary):
    unknown = _names_in(page) - vocabulary - {"library", "gifts", "renew_loan", "localhost"}
    assert not unknown
