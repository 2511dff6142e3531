"""The engine of a product is replaced by a newer one, as docs/updates.md describes."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml
from conftest import ROOT, Bake
from test_bake import seal

Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]
RULE = "\n\nTHRESHOLD = 3\n"


def test_an_update_replaces_the_engine_and_keeps_the_files_of_the_team(
    make: Make, bake_into: Bake, environment: Path, tmp_path: Path
) -> None:
    product, newer = bake_into(tmp_path / "now"), bake_into(tmp_path / "newer")
    rule = product / "src" / "churn_radar" / "rule.py"
    rule.write_text(rule.read_text(encoding="utf-8") + RULE, encoding="utf-8")
    release(newer / "engine", "9.9.9")

    page = (ROOT / "docs" / "updates.md").read_text(encoding="utf-8")
    commands = re.findall(r"^(?:rm|cp) .*$", page, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        adapted = command.replace("../newer/churn-radar", str(newer))
        subprocess.run(adapted, shell=True, cwd=product, check=True)

    checked = make(product, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "engine/ is unchanged." in checked.stdout
    assert rule.read_text(encoding="utf-8").endswith(RULE)
    sample = product / "var" / "sample"
    sample.mkdir(parents=True)
    content = yaml.safe_load((product / "config" / "pipeline.yaml").read_text(encoding="utf-8"))
    assert content["source"]["path"].startswith("var/sample/")
    assert make(product, "sample").returncode == 0
    assert "mlproduct 9.9.9; engine/ is unchanged." in make(product, "doctor").stdout


def release(engine: Path, version: str) -> None:
    """Changes the engine in the folder to another version with an additional module."""
    package = engine / "src" / "mlproduct"
    for path in (engine / "pyproject.toml", package / "__init__.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'(version(?:__)? = )"[\d.]+"', rf'\1"{version}"', text), "utf-8")
    shutil.copy(package / "clock.py", package / "second_clock.py")
    seal(engine)
