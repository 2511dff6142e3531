"""Commands, files, options, columns, metrics and variables in the documentation exist."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Bake, sources

DOCS = ROOT / "docs"
COMMAND = re.compile(r"python -m churn_radar ([a-z][^\n`|]*)")
QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w<>.-]+(?:/[\w<>.-]+)+\.(?:py|ya?ml|toml|sh|lock)")
VARIABLE = re.compile(
    r"\b(?:AWS|MLFLOW|NO|NOTIFY|OMP|POSTGRES|PREFECT|PRODUCT|S3|SERVICE)_[A-Z0-9_]*[A-Z0-9]\b"
)
# NO_CACHE is a constant of Prefect. The other two are variables of PostgreSQL's image only.
NO_VARIABLES = {"NO_CACHE", "POSTGRES_DB", "POSTGRES_USER"}

# Runs in the product's environment. Prints the commands that its parser refuses, its verbs with
# their options, and the columns of its tables.
INSPECT = """
import contextlib, io, json, sys
import sqlalchemy as sa
from mlproduct.cli import parser
from mlproduct.log.database import Database

def refused(words):
    output = io.StringIO()
    with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
        try:
            parser("churn_radar").parse_args(words)
        except SystemExit as stop:
            return output.getvalue().splitlines()[-1] if stop.code else None

def options(verbs, names=()):
    for action in verbs._actions:
        if isinstance(action.choices, dict):
            for name, inner in action.choices.items():
                yield from options(inner, (*names, name))
                found = {o for a in inner._actions for o in a.option_strings}
                yield (*names, name), sorted(found - {"-h", "--help"})

tables = sa.inspect(Database(f"sqlite:///{sys.argv[1]}").engine)
names = [*tables.get_table_names(), *tables.get_view_names()]
print(json.dumps({
    "refused": {" ".join(words): why for words in json.load(sys.stdin) if (why := refused(words))},
    "verbs": [[" ".join(names), found] for names, found in options(parser("churn_radar"))],
    "columns": {name: [column["name"] for column in tables.get_columns(name)] for name in names},
}))
"""


def pages() -> dict[str, str]:
    """The text of every page and of the template's README, by file name."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in (*DOCS.glob("*.md"), ROOT / "README.md")
    }


def baked_pages(product: Path) -> dict[str, str]:
    """The text of a product's README.md and AGENTS.md, by file name."""
    names = ("README.md", "AGENTS.md")
    return {name: (product / name).read_text(encoding="utf-8") for name in names}


@pytest.fixture(scope="session")
def churn(bake_into: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product with the default answers. Tests must not change it."""
    return bake_into(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="session")
def facts(churn: Path, environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What ``INSPECT`` prints for the commands in all pages."""
    texts = [*pages().values(), *baked_pages(churn).values()]
    commands = sorted(
        {found.partition("  ")[0].strip() for text in texts for found in COMMAND.findall(text)}
    )
    assert len(commands) > 30
    done = subprocess.run(
        [
            environment / "bin" / "python",
            "-c",
            INSPECT,
            tmp_path_factory.mktemp("database") / "product.db",
        ],
        input=json.dumps([shlex.split(line) for line in commands]),
        env={**os.environ, "PYTHONPATH": sources(churn)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_parser_accepts_every_command_in_the_docs(facts: Any) -> None:
    assert facts["refused"] == {}


def test_every_make_target_in_the_pages_of_a_product_exists(churn: Path) -> None:
    makefile = (churn / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for page, text in baked_pages(churn).items():
        names_found = set(re.findall(r"(?:^|`)make ([a-z]+)\b", text, re.MULTILINE))
        assert len(names_found) >= 4, page
        assert names_found <= targets, page


def test_every_file_in_the_pages_of_a_product_exists(churn: Path) -> None:
    for page, text in baked_pages(churn).items():
        quoted = {name for found in QUOTED.findall(text) for name in FILE.findall(found)}
        missing = [
            name for name in quoted if not name.startswith("var/") and not (churn / name).is_file()
        ]
        assert missing == [], page


def test_readme_and_agents_of_a_product_have_at_most_80_and_60_lines(churn: Path) -> None:
    assert len(baked_pages(churn)["README.md"].splitlines()) <= 80
    assert len(baked_pages(churn)["AGENTS.md"].splitlines()) <= 60


def test_all_pages_show_the_same_folder_tree(churn: Path) -> None:
    readme = baked_pages(churn)["README.md"]
    _, tree = re.findall(r"```\n((?:training|churn-radar/).*?)```", readme, re.DOTALL)
    assert tree in pages()["index.md"]


def test_both_diagrams_show_the_steps_of_the_training_flow_in_order(churn: Path) -> None:
    """The drawn one is on two pages; a product's README has one of text."""
    for page, address in (
        ("index.md", "images/pipeline.svg"),
        ("README.md", "docs/images/pipeline.svg"),
    ):
        assert f"]({address})" in pages()[page]
    flow = (churn / "src/churn_radar/flows.py").read_text(encoding="utf-8")
    body = flow[flow.index("def train(") : flow.index("def score(")]
    steps = [
        name.replace("judge_data", "judge the data") for name in re.findall(r"tasks\.(\w+)", body)
    ]
    steps = [
        name for name in steps if name not in ("training_run", "record", "register", "completed")
    ]
    assert len(steps) == 6
    drawn = re.findall(
        r'class="name [^"]*"[^>]*>([^<]+)<', (DOCS / "images/pipeline.svg").read_text()
    )
    readme = baked_pages(churn)["README.md"]
    (line,) = re.findall(r"^training +(.*)$", readme, re.MULTILINE)
    assert [name for name in drawn if name in steps] == steps
    assert [name.strip(" ─▶") for name in re.split("─▶|──pass──▶", line)][:6] == steps


def test_the_reference_contains_every_verb_and_option(facts: Any) -> None:
    reference = (DOCS / "reference.md").read_text(encoding="utf-8")
    for verb, options in facts["verbs"]:
        lines = [line for line in reference.splitlines() if re.search(rf"`{verb}\b", line)]
        assert lines or verb in ("criteria", "quarantine"), f"{verb} is not in reference.md"
        missing = [option for option in options if not re.search(rf"{option}\b", " ".join(lines))]
        assert missing == [], f"{verb} has options that reference.md does not name"


def test_the_page_of_tables_contains_every_column_of_every_table(facts: Any) -> None:
    text = (DOCS / "tables.md").read_text(encoding="utf-8")
    for table, columns in facts["columns"].items():
        if table == "product_version":  # the table of Alembic
            continue
        found = re.search(rf"^\| `{table}` \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
        assert found is not None, f"tables.md has no table {table}"
        names_found = [
            name
            for line in found.group(1).splitlines()
            for name in QUOTED.findall(line.split("|")[1])
        ]
        assert sorted(names_found) == sorted(columns), table


def test_the_page_of_serving_contains_every_metric_of_the_service(churn: Path) -> None:
    source = (churn / "engine" / "src" / "mlproduct" / "service" / "app.py").read_text(
        encoding="utf-8"
    )
    counted = re.findall(r'(Counter|Histogram)\(\s*"(\w+)"', source)
    names = [name + ("_total" if kind == "Counter" else "") for kind, name in counted]
    names += re.findall(r'^ +"(\w+)": lambda', source, re.MULTILINE)
    assert len(names) == 13
    metrics = (DOCS / "serving.md").read_text(encoding="utf-8").partition("## Metrics")[2]
    assert [name for name in names if f"`{name}" not in metrics] == []


def test_the_page_and_the_example_contain_every_environment_variable(churn: Path) -> None:
    files = [
        *(churn / "src").rglob("*.py"),
        *(churn / "engine").rglob("*.py"),
        *(churn / "deploy").iterdir(),
    ]
    files += [
        churn / name for name in ("compose.yaml", "Dockerfile", "prefect.yaml", ".env.example")
    ]
    names_found = {
        name for path in files for name in VARIABLE.findall(path.read_text(encoding="utf-8"))
    } - NO_VARIABLES
    page = (DOCS / "environment.md").read_text(encoding="utf-8")
    assert sorted(names_found - set(VARIABLE.findall(page))) == []
    # A person does not set what the product, its image or its compose file sets.
    set_by_product = set(
        VARIABLE.findall(page.partition("## Set by the product")[2].partition("\n## ")[0])
    )
    set_by_product |= set(
        re.findall(
            r"^ +([A-Z0-9_]+): ", (churn / "compose.yaml").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    set_by_product |= {"MLFLOW_AUTH_CONFIG_PATH", "OMP_NUM_THREADS"}
    example = set(VARIABLE.findall((churn / ".env.example").read_text(encoding="utf-8")))
    assert sorted(names_found - set_by_product - example) == []


def test_a_shell_can_read_the_example_when_its_lines_are_uncommented(
    churn: Path, tmp_path: Path
) -> None:
    """Each line sets its variable when a shell reads the file.

    A comment behind a value would become part of the value, or run as a command.
    """
    lines = (churn / ".env.example").read_text(encoding="utf-8").splitlines()
    settings = [line.removeprefix("#") for line in lines if re.match(r"# ?[A-Z0-9_]+=", line)]
    (tmp_path / ".env").write_text("\n".join(settings), encoding="utf-8")
    sourced = subprocess.run(
        ["sh", "-c", "set -eua; . ./.env; env"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (sourced.returncode, sourced.stderr) == (0, "")
    assert len(settings) > 30
    assert [
        line for line in settings if " " in line or line not in sourced.stdout.splitlines()
    ] == []


def test_every_file_in_the_docs_exists(churn: Path) -> None:
    places = (churn, churn / "src" / "churn_radar", churn / "engine" / "src" / "mlproduct", ROOT)
    missing = []
    for page, text in pages().items():
        names_found = {name for quoted in QUOTED.findall(text) for name in FILE.findall(quoted)}
        for name in names_found:
            path = name.replace("<package>", "churn_radar")
            written_by_product = path.startswith(("var/", "path/"))
            if not written_by_product and not any((place / path).is_file() for place in places):
                missing.append(f"{page}: {name}")
    assert missing == []
