"""A product works on a team's servers: PostgreSQL, artifacts in S3 and MLflow with accounts."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from conftest import Bake, sources
from servers import ENDED, free_port, listens, printed_urls, response_of, run_deployment, wait_until

PASSWORD = "correct horse battery"  # of servers that run only during the test
DATABASES = ("prefect", "mlflow", "accounts", "product")


@pytest.fixture
def databases(environment: Path) -> Iterator[dict[str, str]]:
    """URLs of new databases for one test, without the name of a driver.

    They are created on the server that TEST_POSTGRES_URL names.
    """
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        pytest.skip("TEST_POSTGRES_URL is not set; .ci/run sets it")
    names = {name: f"team_{name}_{os.getpid()}" for name in DATABASES}

    def execute(statement: str) -> None:
        code = (
            "import psycopg, sys; psycopg.connect(sys.argv[1],"
            " autocommit=True).execute(sys.argv[2])"
        )
        subprocess.run([environment / "bin" / "python", "-c", code, server, statement], check=True)

    for name in names.values():
        execute(f"CREATE DATABASE {name}")
    yield {name: f"{server.rpartition('/')[0]}/{database}" for name, database in names.items()}
    for name in names.values():
        execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def s3() -> Iterator[str]:
    """The URL of moto's S3 server, with the bucket ``team``."""
    port = free_port()
    server = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    keys = {
        "aws_access_key_id": "team",
        "aws_secret_access_key": "team",
        "region_name": "us-east-1",
    }
    try:
        wait_until(lambda: server.poll() is None and listens(port), "moto listens")
        boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket="team")
        yield url
    finally:
        server.kill()
        server.wait()


class Team:
    """A product with the variables of a team's servers: runs its commands and edits its files."""

    def __init__(
        self, root: Path, python: Path, databases: dict[str, str], s3: str, mlflow: str
    ) -> None:
        self.root, self.python = root, python
        driver = {
            name: url.replace("postgresql://", "postgresql+psycopg://")
            for name, url in databases.items()
        }
        self.environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("PREFECT", "MLFLOW"))
            },
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": sources(root),
            "PRODUCT_ROOT": str(root),
            "PRODUCT_DATABASE_URL": databases["product"],
            "PREFECT_API_DATABASE_CONNECTION_URL": databases["prefect"].replace(
                "://", "+asyncpg://"
            ),
            "PREFECT_HOME": str(root / "var" / "prefect"),
            "MLFLOW_TRACKING_URI": mlflow,
            "MLFLOW_TRACKING_USERNAME": "ada",
            "MLFLOW_TRACKING_PASSWORD": PASSWORD,
            "DO_NOT_TRACK": "true",
        }
        self.mlflow_environ = {
            "MLFLOW_STORE": driver["mlflow"],
            "MLFLOW_ACCOUNTS": driver["accounts"],
            "MLFLOW_ARTIFACTS": "s3://team/artifacts",
            "MLFLOW_LISTEN": "127.0.0.1",
            "MLFLOW_PORT": mlflow.rpartition(":")[2],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this test",
            "MLFLOW_S3_ENDPOINT_URL": s3,
            "AWS_ACCESS_KEY_ID": "team",
            "AWS_SECRET_ACCESS_KEY": "team",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def run(self, *words: str, code: int = 0) -> str:
        command = [str(self.python), "-m", "churn_radar", *words]
        done = subprocess.run(
            command, cwd=self.root, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, f"{name} has no {before!r}"
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def team(environment: Path, bake: Bake, databases: dict[str, str], s3: str) -> Iterator[Team]:
    """A product with a running MLflow server; ``up`` starts the other servers."""
    port = free_port()
    found = Team(
        bake(kit="churn"), environment / "bin" / "python", databases, s3, f"http://127.0.0.1:{port}"
    )
    log = found.root / "mlflow.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            ["sh", "deploy/mlflow.sh"],
            cwd=found.root,
            env=found.environ | found.mlflow_environ,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: listens(port) or server.poll() is not None, "MLflow listens")
        assert server.poll() is None, log.read_text()[-3000:]
        yield found
    finally:
        found.run("down")
        os.killpg(server.pid, 15)
        server.wait(60)


@pytest.mark.long
def test_drift_leads_to_a_training_and_to_a_new_model_in_the_service(team: Team) -> None:
    """A drift event starts a training by the worker, and its model is approved and served.

    The automation, the worker, the approval deployment and the service are the real processes.
    """
    team.edit("config/pipeline.yaml", ("trials: 9", "trials: 1"))
    team.edit(
        "config/monitoring.yaml",
        ("drift_before_labels: wait", "drift_before_labels: retrain"),
        ("new_labels_at_least: 1000", "new_labels_at_least: 0"),
    )
    # A second training on the same data is no better, so this bar only informs.
    bar = "versus: champion\n    at_least: 0"
    team.edit(
        "product/success_criteria.yaml", (bar, "versus: champion\n    at_least: 0\n    level: info")
    )
    team.run("sample", "--rows", "16000")
    team.run("train")
    team.run("approve", "1", "--by", "Ada", "--because", "It meets every criterion.")
    urls = printed_urls(team.run("up", "--service", "0", "--prefect", "0"))
    assert set(urls) == {"prefect", "worker", "service"}
    assert (
        wait_until(lambda: response_of(f"{urls['service']}/model"), "the service is ready")[
            "version"
        ]
        == "1"
    )

    today = time.strftime("%Y-%m-%d", time.gmtime())
    team.run("sample", "--scoring", "--drift", "8", "--until", today)
    team.run("sample", "--rows", "16000", "--seed", "8")
    assert (
        run_deployment(
            urls["prefect"], "churn-radar-score/Churn Radar: score the day", {"day": today}
        )["type"]
        == "COMPLETED"
    )
    assert (
        run_deployment(urls["prefect"], "churn-radar-monitor/Churn Radar: monitor", {"day": today})[
            "name"
        ]
        == "Retrain"
    )
    trained = wait_until(
        lambda: ended_training(urls), "the training that the automation starts has ended"
    )
    assert trained["state"]["name"] == "Ready", trained["state"]
    assert "drifted" in trained["parameters"]["cause"]

    approval = {"version": "2", "by": "Ada", "because": "As good."}
    assert (
        run_deployment(
            urls["prefect"], "churn-radar-approve/Churn Radar: approve a version", approval
        )["type"]
        == "COMPLETED"
    )
    wait_until(
        lambda: (response_of(f"{urls['service']}/model") or {}).get("version") == "2",
        "the service uses version 2",
    )
    example = response_of(f"{urls['service']}/openapi.json")["paths"]["/predict"]["post"][
        "requestBody"
    ]
    body = example["content"]["application/json"]["schema"]["example"]
    assert response_of(f"{urls['service']}/predict", body)["model"]["version"] == "2"
    assert "2" in team.run("history")


def ended_training(urls: dict[str, str]) -> Any:
    """The ended training by the worker, or None. The first training, by hand, has no deployment."""
    run_filter = {
        "flows": {"name": {"any_": ["churn-radar-train"]}},
        "deployments": {"name": {"like_": "Churn Radar: train"}},
    }
    runs = response_of(f"{urls['prefect']}/api/flow_runs/filter", run_filter)
    return next((run for run in runs or () if run["state"]["type"] in ENDED), None)
