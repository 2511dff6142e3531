"""The HTTP service conforms to its own OpenAPI page, which Schemathesis checks."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Bake, sources

KEY = "a-key-that-is-long-enough"
WAIT_SECONDS = 240
TRAIN_AND_SERVE = """
import sys
from mlproduct.cli import main

approve = "approve 1 --by Ada --because Passed."
for line in ("sample --rows 6000", "train", approve, "serve --port 0"):
    if code := main("churn_radar", line.split()):
        sys.exit(code)
"""
# There is no check that the service accepts every row that the page allows: JSON Schema cannot
# express the bounds of a date.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)


@pytest.fixture
def service(environment: Path, bake: Bake, tmp_path: Path) -> Iterator[str]:
    """The URL of a service with an API key. One process trains, approves and serves."""
    root = bake()
    quick = {
        "search": {"trials": 1, "candidates": ["linear"]},
        "evaluation": {"resamples": 300, "importance_rows": 200},
    }
    edit(root / "config" / "pipeline.yaml", lambda content: content.update(quick))
    edit(
        root / "product" / "success_criteria.yaml",
        lambda content: content.update(criteria=content["criteria"][:1]),
    )
    log = tmp_path / "service.log"
    own = {
        "PYTHONPATH": sources(root),
        "PRODUCT_ROOT": str(root),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
    }
    own |= {"SERVICE_API_KEYS": KEY, "SERVICE_DRAIN_SECONDS": "0", "OMP_NUM_THREADS": "2"}
    others = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "MLFLOW", "PRODUCT"))
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [environment / "bin" / "python", "-c", TRAIN_AND_SERVE],
            env=others | own,
            cwd=root,
            stdout=output,
            stderr=output,
        )
    try:
        yield url_of(process, log)
    finally:
        process.terminate()
        process.wait(60)


def edit(path: Path, change: Any) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def url_of(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The URL that the service prints, as soon as it is ready."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end and process.poll() is None:
        printed = [
            line.split()[-1]
            for line in log.read_text().splitlines()
            if line.startswith("  service ")
        ]
        if (
            printed
            and response_to(url := printed[0].removesuffix("/docs"), "/health/ready")[0] == 200
        ):
            return url
        time.sleep(0.3)
    raise AssertionError(f"the service is not ready: {log.read_text()[-3000:]}")


def response_to(url: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    """Status and body of the response; the status is 0 if the service does not respond."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url + path, data, headers), timeout=30
        ) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def test_the_service_conforms_to_its_openapi_page(service: str, tmp_path: Path) -> None:
    page = json.loads(response_to(service, "/openapi.json")[1])
    example = page["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]["example"]
    keyed = {"X-API-Key": KEY}
    for path, body, with_key in (
        ("/predict", example, 200),
        ("/model", None, 200),
        ("/predict", {}, 422),
    ):
        assert response_to(service, path, body)[0] == 401
        assert response_to(service, path, body, **{"X-API-Key": KEY[:-1]})[0] == 401
        assert response_to(service, path, body, **keyed)[0] == with_key

    program = Path(sys.executable).with_name("schemathesis")
    command = [
        str(program),
        "--no-color",
        "run",
        f"{service}/openapi.json",
        "--header",
        f"X-API-Key: {KEY}",
    ]
    command += [
        "--checks",
        ",".join(CHECKS),
        "--phases",
        "examples,coverage,fuzzing",
        "--mode",
        "all",
    ]
    # Every run sends the same requests, which follow from the page alone.
    command += ["--generation-deterministic", "--max-examples", "150", "--request-timeout", "30"]
    checked = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=180
    )
    assert checked.returncode == 0, checked.stdout[-6000:] + checked.stderr[-2000:]

    counted = [
        line
        for line in response_to(service, "/metrics")[1].splitlines()
        if line.startswith("requests_total")
    ]
    statuses = {
        line.split('status="')[1][:3]: line for line in counted if 'path="/predict"' in line
    }
    # Requests that the page allows and requests that it forbids were sent.
    assert {"200", "400", "401", "405", "422"} <= set(statuses)
    assert not [line for line in counted if 'status="5' in line]
