"""Refuses each invalid answer, with the reason and a valid suggestion.

The answers are rendered into this file as JSON of JSON. Whatever a person typed, the rendered text
has no unescaped quote, no newline and no character outside ASCII, so it cannot end the literal.
"""

import json
import keyword
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

ANSWERS = json.loads("<< (cookiecutter | jsonify | jsonify)[1:-1] >>")

LONGEST = {"product_name": 60, "project": 40, "package": 30, "description": 200, "owner": 100}
WINDOWS_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)),
}
SUGGESTIONS = {
    "product_name": "Churn Radar",
    "description": "Tells who is about to leave.",
    "owner": "team@example.com",
}
RESERVED = {"conftest", "engine", "mlproduct", "src", "test", "tests"}
ENGINE_NAMES = {"engine", "mlproduct"}
# Import names that differ from the name of their distribution. The lock has all others.
INSTALLED_AS = {
    *(
        "amplitude",
        "attr",
        "databricks",
        "dateparser_cli",
        "dateparser_data",
        "dateparser_scripts",
        "dateutil",
    ),
    *(
        "docket",
        "dotenv",
        "git",
        "google",
        "graphql",
        "jsonpatch_cli",
        "jupyterlab_plotly",
        "key_value",
    ),
    *(
        "markdown_it",
        "mpl_toolkits",
        "mypyc",
        "opentelemetry",
        "pil",
        "pip",
        "pkg_resources",
        "py",
        "pylab",
    ),
    *(
        "pythonjsonlogger",
        "rpds",
        "ruamel",
        "setuptools",
        "sklearn",
        "slugify",
        "vendor_licenses",
        "yaml",
    ),
}
# It joins several emoji into one. No other invisible character is accepted.
ZERO_WIDTH_JOINER = "\u200d"


def problems() -> Iterator[str]:
    """The problems of all answers, one message each."""
    for question in ("product_name", "description", "owner"):
        yield from problems_of_text(question, ANSWERS[question], LONGEST[question])
    for question in ("project", "package"):
        reason = WHY_NOT[question](ANSWERS[question])
        if reason:
            yield (
                f"{question} {ANSWERS[question]!a} {reason} – {suggested_name(question)!r} would do"
            )
    yield from problems_of_kit(ANSWERS["kit"])


def problems_of_text(question: str, answer: str, longest: int) -> Iterator[str]:
    """The problem of an answer that can be any text of one line, if there is one."""
    odd = next((c for c in answer if not c.isprintable() and c != ZERO_WIDTH_JOINER), None)
    visible = " ".join("".join(c if c.isprintable() else " " for c in answer).split())
    suggestion = f"{(visible[:longest].strip() or SUGGESTIONS[question])!a} would do"
    if odd is not None:
        yield (
            f"{question} holds {odd!a}, a line break or an invisible character – one line is"
            f" expected – {suggestion}"
        )
    elif not visible:
        yield f"{question} is empty – some text is expected – {suggestion}"
    elif len(answer) > longest:
        yield (
            f"{question} has {len(answer)} characters – {longest} at most are expected –"
            f" {suggestion}"
        )
    elif answer != answer.strip():
        yield f"{question} {answer!a} begins or ends with a space – none is expected – {suggestion}"


def why_not_project(name: str) -> str:
    """The reason why ``name`` cannot be the project's folder, or an empty text."""
    if len(name) > LONGEST["project"]:
        return f"has {len(name)} characters – {LONGEST['project']} at most are expected"
    if not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", name):
        return (
            "is not a folder name for every system – lower-case letters and digits, joined by - or"
            " _, are expected"
        )
    if name in WINDOWS_DEVICES:
        return "is a device on Windows – another name is expected"
    if name in ENGINE_NAMES:
        return "is the name of the engine – a name of your own is expected"
    return ""


def why_not_package(name: str) -> str:
    """The reason why ``name`` cannot be the product's package, or an empty text."""
    if len(name) > LONGEST["package"]:
        return f"has {len(name)} characters – {LONGEST['package']} at most are expected"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in {"none", "true", "false"}:
        return "is a word of the Python language – a name of your own is expected"
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        return (
            "cannot be imported – lower-case letters and digits, joined by _, a letter first, are"
            " expected"
        )
    if name in sys.stdlib_module_names or name in RESERVED:
        return "is a module that Python or the tests already have – a name of your own is expected"
    if name in dependencies():
        return "is a library this product uses – a name of your own is expected"
    return ""


WHY_NOT = {"project": why_not_project, "package": why_not_package}


def problems_of_kit(kit: str) -> Iterator[str]:
    """The problem of an unknown kit."""
    # Without the folder of the template, the list is empty and any kit is accepted.
    kits = sorted(folder.name for folder in project_folder().glob("kits/*"))
    if kits and kit not in kits:
        yield (
            f"kit {kit!a} is unknown – one of {', '.join(kits)} is expected – {kits[0]!r} would do"
        )


def suggested_name(question: str) -> str:
    """A valid name, as similar as possible to the answer or to the product's name."""
    sign = "-" if question == "project" else "_"
    for answer in (ANSWERS[question], ANSWERS["product_name"]):
        plain = unicodedata.normalize("NFKD", answer).encode("ascii", "ignore").decode().lower()
        words = re.sub(r"[^a-z0-9]+", sign, plain).lstrip(
            sign if question == "project" else "_0123456789"
        )
        for name in (words, f"{words}{sign}product", f"my{sign}{words}"):
            name = name[: LONGEST[question]].strip(sign)
            if not WHY_NOT[question](name):
                return name
    return f"ml{sign}product"


def dependencies() -> set[str]:
    """Every import name of the locked dependencies, in lower case."""
    lock = project_folder() / "requirements.lock"
    text = lock.read_text(encoding="utf-8") if lock.exists() else ""
    named = re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)
    return INSTALLED_AS | {re.sub(r"[-.]+", "_", name).lower() for name in named}


def project_folder() -> Path:
    """The template of the project, or a path that is no folder if it cannot be found.

    The template is the working directory of cookiecutter. Where there is no ``/proc``, it is found
    by the address that cookiecutter was started with.
    """
    for template in (
        Path(f"/proc/{os.getppid()}/cwd"),
        Path(os.environ.get("PWD", ""), ANSWERS["_repo_dir"]),
    ):
        if (template / "cookiecutter.json").exists():
            return next(folder for folder in template.iterdir() if (folder / "kits").is_dir())
    return Path(os.devnull)


if __name__ == "__main__":
    found = list(problems())
    for problem in found:
        print(f"Refused: {problem}", file=sys.stderr)
    sys.exit(1 if found else 0)
