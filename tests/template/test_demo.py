"""``make demo`` of each kit runs as expected, or fails and reports the missed expectation."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Bake

Make = Callable[[Path, str], "subprocess.CompletedProcess[str]"]


def decisions_of(shown: str) -> list[tuple[str, str]]:
    """The decisions in the output of a demo, each with its version."""
    line = r"^(?:week.{14}| {19})  (approve|reject|rollback) +version (\d+)"
    return re.findall(line, shown, re.MULTILINE)


@pytest.mark.parametrize(
    "kit", ["churn", "bare", pytest.param("price", marks=pytest.mark.long)], indirect=True
)
def test_the_demo_shows_twelve_weeks_with_the_expected_decisions(
    make: Make, bake: Bake, kit: str
) -> None:
    product = bake(kit=kit)
    shown = make(product, "demo")
    assert shown.returncode == 0, shown.stdout[-4000:] + shown.stderr[-4000:]
    assert re.findall(r"^week +(\d+)", shown.stdout, re.MULTILINE) == [
        str(week) for week in range(13)
    ]
    decisions = decisions_of(shown.stdout)
    assert decisions[0] == ("approve", "1")
    assert [decision for decision, _ in decisions if decision != "reject"] == [
        "approve",
        "approve",
        "approve",
        "rollback",
    ]
    approved = [version for decision, version in decisions if decision == "approve"]
    assert decisions[-1][1] == approved[1]  # the version to which the product was rolled back
    assert "shuffled labels: blocked" in shown.stdout
    assert "refused: there is no version" in shown.stdout
    assert (product / "var" / "demo" / "var" / "demo.log").read_text(encoding="utf-8").count(
        "BLOCKED"
    ) >= 1
    assert not (product / "var" / "mlflow.db").exists()  # the demo does not change the product


@pytest.mark.long
def test_the_demo_of_messages_shows_how_a_new_class_is_adopted(make: Make, bake: Bake) -> None:
    product = bake(kit="feedback")
    shown = make(product, "demo")
    assert shown.returncode == 0, shown.stdout[-4000:] + shown.stderr[-4000:]
    story, _, new_class = shown.stdout.partition("week 13")
    assert re.findall(r"^week +(\d+)", story, re.MULTILINE) == [str(week) for week in range(13)]
    decisions = [decision for decision, _ in decisions_of(story) if decision != "reject"]
    assert decisions == ["approve", "approve", "approve", "rollback"]
    assert "first model: version 1, ready" in story
    assert "shuffled labels: blocked" in story
    assert len(re.findall(r"score +1,\d+ rows by version \d+ \(\d+ for a person\)", story)) == 12
    assert re.search(r"alarm     message \(unknown words\): ", story)
    steps = re.findall(r"^ {7}.{12}  (\w+) ", f"{' ' * 7}{new_class}", re.MULTILINE)
    assert steps == [
        *("label", "score", "alarm", "monitor", "schema", "replay", "monitor"),
        *("train", "verdict", "approve"),
    ]
    assert re.search(
        r"alarm     team: .* that schemas.py does not list: club \([\d,]+\)", new_class
    )
    assert "schemas.py lists the team club (simulated)" in new_class
    assert re.search(r"replay    quarantine of labels-.*: [\d,]+ rows pass now", new_class)
    assert re.search(r"train     new team club: version \d+, ready", new_class)
    assert re.search(r"verdict   no-team-forgotten: .*, club [\d.]+", new_class)
    assert [decision for decision, _ in decisions_of(new_class)] == ["approve"]


@pytest.mark.long
def test_the_demo_fails_when_an_expected_alarm_is_not_raised(make: Make, bake: Bake) -> None:
    """The drift limit is so high that the alarm expected in week 4 is not raised."""
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
