"""The demo of each kit, as its owner types it: the story comes true, or says that it did not."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Bake

Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    "kit", ["churn", pytest.param("price", marks=pytest.mark.long)], indirect=True
)
def test_twelve_weeks_come_true(make: Make, bake: Bake, kit: str) -> None:
    product = bake(kit=kit)
    shown = make(product, "demo")
    assert shown.returncode == 0, shown.stdout[-4000:] + shown.stderr[-4000:]
    assert re.findall(r"^week +(\d+)", shown.stdout, re.MULTILINE) == [
        str(week) for week in range(13)
    ]
    decisions = re.findall(
        r"^(?:week.{14}| {19})  (approve|reject|rollback) +version (\d+)",
        shown.stdout,
        re.MULTILINE,
    )
    assert decisions[0] == ("approve", "1")
    assert [what for what, _ in decisions if what != "reject"] == [
        "approve",
        "approve",
        "approve",
        "rollback",
    ]
    assert decisions[-1][1] == [version for what, version in decisions if what == "approve"][1]
    assert "shuffled labels: blocked" in shown.stdout
    assert "refused: there is no version" in shown.stdout
    assert (product / "var" / "demo" / "var" / "demo.log").read_text(encoding="utf-8").count(
        "BLOCKED"
    ) >= 1
    assert not (product / "var" / "mlflow.db").exists()  # the product itself is as it was


@pytest.mark.long
def test_a_story_that_does_not_come_true_ends_with_an_error(make: Make, bake: Bake) -> None:
    """A monitoring that hears nothing: in the fourth week there should raise an alarm."""
    product = bake(kit="churn")
    rules = product / "config" / "monitoring.yaml"
    text = rules.read_text(encoding="utf-8")
    assert "psi_at_least: 0.02" in text
    rules.write_text(text.replace("psi_at_least: 0.02", "psi_at_least: 1000"), encoding="utf-8")
    shown = make(product, "demo")
    assert shown.returncode != 0
    missed = "in week 4 logins_30d should raise an alarm"
    assert f"The demo did not run as expected: {missed}." in shown.stderr
    assert "The demo ran as expected" not in shown.stdout
