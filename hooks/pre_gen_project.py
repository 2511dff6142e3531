"""Refuses an answer that cannot work, with the reason and an answer that would.

The answers come in as data: JSON of JSON is a literal without a quote, a newline or a character
outside ASCII that could end it early, whatever a person typed.
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
DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)),
}
SUGGESTED = {
    "product_name": "Churn Radar",
    "description": "Tells who is about to leave.",
    "owner": "team@example.com",
}
OURS = {"conftest", "engine", "mlproduct", "src", "test", "tests"}
ENGINE = {"engine", "mlproduct"}
# What a distribution installs where that is not its own name; the rest is read off the lock.
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
ZERO_WIDTH_JOINER = (
    "\u200d"  # holds an emoji of several together; no other invisible character is welcome
)


def problems() -> Iterator[str]:
    for question in ("product_name", "description", "owner"):
        yield from bad_text(question, ANSWERS[question], LONGEST[question])
    for question in ("project", "package"):
        reason = WHY_NOT[question](ANSWERS[question])
        if reason:
            yield (
                f"{question} {ANSWERS[question]!a} {reason} – {suggested_name(question)!r} would do"
            )
    yield from bad_kit(ANSWERS["kit"])


def bad_text(question: str, answer: str, longest: int) -> Iterator[str]:
    odd = next((c for c in answer if not c.isprintable() and c != ZERO_WIDTH_JOINER), None)
    seen = " ".join("".join(c if c.isprintable() else " " for c in answer).split())
    would_do = f"{(seen[:longest].strip() or SUGGESTED[question])!a} would do"
    if odd is not None:
        yield (
            f"{question} holds {odd!a}, a line break or an invisible character – one line is"
            f" expected – {would_do}"
        )
    elif not seen:
        yield f"{question} is empty – some text is expected – {would_do}"
    elif len(answer) > longest:
        yield (
            f"{question} has {len(answer)} characters – {longest} at most are expected – {would_do}"
        )
    elif answer != answer.strip():
        yield f"{question} {answer!a} begins or ends with a space – none is expected – {would_do}"


def why_not_project(name: str) -> str:
    """The reason why ``name`` cannot be the project's folder, empty where it can."""
    if len(name) > LONGEST["project"]:
        return f"has {len(name)} characters – {LONGEST['project']} at most are expected"
    if not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", name):
        return (
            "is not a folder name for every system – lower-case letters and digits, joined by - or"
            " _, are expected"
        )
    if name in DEVICES:
        return "is a device on Windows – another name is expected"
    if name in ENGINE:
        return "is the name of the engine – a name of your own is expected"
    return ""


def why_not_package(name: str) -> str:
    """The reason why ``name`` cannot be the product's package, empty where it can."""
    if len(name) > LONGEST["package"]:
        return f"has {len(name)} characters – {LONGEST['package']} at most are expected"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in {"none", "true", "false"}:
        return "is a word of the Python language – a name of your own is expected"
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        return (
            "cannot be imported – lower-case letters and digits, joined by _, a letter first, are"
            " expected"
        )
    if name in sys.stdlib_module_names or name in OURS:
        return "is a module that Python or the tests already have – a name of your own is expected"
    if name in dependencies():
        return "is a library this product uses – a name of your own is expected"
    return ""


WHY_NOT = {"project": why_not_project, "package": why_not_package}


def bad_kit(kit: str) -> Iterator[str]:
    kits = sorted(folder.name for folder in project_folder().glob("kits/*"))
    if kits and kit not in kits:
        yield (
            f"kit {kit!a} is unknown – one of {', '.join(kits)} is expected – {kits[0]!r} would do"
        )


def suggested_name(question: str) -> str:
    """A name that would do, as near to what was said as can be."""
    sign = "-" if question == "project" else "_"
    for heard in (ANSWERS[question], ANSWERS["product_name"]):
        plain = unicodedata.normalize("NFKD", heard).encode("ascii", "ignore").decode().lower()
        words = re.sub(r"[^a-z0-9]+", sign, plain).lstrip(
            sign if question == "project" else "_0123456789"
        )
        for name in (words, f"{words}{sign}product", f"my{sign}{words}"):
            name = name[: LONGEST[question]].strip(sign)
            if not WHY_NOT[question](name):
                return name
    return f"ml{sign}product"


def dependencies() -> set[str]:
    """Every name that the locked dependencies can be imported by, in lower case."""
    lock = project_folder() / "requirements.lock"
    text = lock.read_text(encoding="utf-8") if lock.exists() else ""
    named = re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)
    return INSTALLED_AS | {re.sub(r"[-.]+", "_", name).lower() for name in named}


def project_folder() -> Path:
    """The folder of the template that is baked from. Cookiecutter works in it; where that cannot be
    seen, the address it was started with leads there."""
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
