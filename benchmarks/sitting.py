"""What all benchmarks share: a product with the reference job, and the cost of processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "BENCH",
    "FOLDER",
    "PRODUCT",
    "PYTHON",
    "add_reference_job",
    "await_response",
    "bake",
    "call",
    "environment",
    "free_port",
    "json_from",
    "measure",
    "python_at",
    "released",
    "rows_of",
    "running",
    "shifted",
    "write_results",
]

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
BENCH = ROOT / "build" / "bench"
PYTHON = str(Path(os.environ.get("PRODUCT_ENV", ROOT / "build" / "env")) / "bin" / "python")
COOKIECUTTER = str(Path(sys.executable).with_name("cookiecutter"))
PRODUCT = [PYTHON, "-m", "churn_radar"]


def bake(target: Path) -> float:
    """Generates a product and returns the seconds that it took."""
    began = time.perf_counter()
    arguments = [
        COOKIECUTTER,
        "--default-config",
        "--no-input",
        "--output-dir",
        str(target),
        str(ROOT),
    ]
    subprocess.run(arguments, check=True, capture_output=True)
    return time.perf_counter() - began


def add_reference_job(product: Path) -> None:
    """Replaces the product's criteria, configuration and Python with the reference job's."""
    for folder in ("product", "config"):
        shutil.copytree(FOLDER / "reference" / folder, product / folder, dirs_exist_ok=True)
    shutil.copytree(
        FOLDER / "reference" / "package", product / "src" / "churn_radar", dirs_exist_ok=True
    )


def python_at(name: str) -> list[str]:
    """The command that runs a script of this folder in the product's environment."""
    return [PYTHON, str(FOLDER / name)]


def environment(product: Path, **more: str) -> dict[str, str]:
    """The environment variables of a process of the product."""
    sources = os.pathsep.join(map(str, (product / "src", product / "engine" / "src")))
    own = {"PYTHONPATH": sources, "PREFECT_HOME": str(product / "var" / "prefect")}
    return {**os.environ, "DO_NOT_TRACK": "true", **own, **more}


def rows_of(rows: int) -> Path:
    """A Parquet file with this number of rows of the reference job."""
    path = BENCH / f"rows{rows}.parquet"
    if not path.exists():
        subprocess.run([*python_at("rows.py"), str(rows), str(path)], check=True)
    return path


def shifted(rows: Path) -> Path:
    """A Parquet file with every fifth of these rows, shifted."""
    path = rows.with_name(f"shifted-{rows.name}")
    if not path.exists():
        subprocess.run([*python_at("rows.py"), "shifted", str(rows), str(path)], check=True)
    return path


def call(product: Path, *verb: str) -> None:
    """Runs a verb of the product. Its output is shown only if it fails."""
    measure([*PRODUCT, *verb], product, environment(product))


def released(target: Path) -> Path:
    """A new product whose champion is the reference model."""
    shutil.rmtree(target, ignore_errors=True)
    bake(target)
    product = target / "churn-radar"
    add_reference_job(product)
    call(product, "train", "--source", str(rows_of(20_000)))
    call(product, "approve", "1", "--by", "bench@example.com", "--because", "It is the reference.")
    return product


def measure(command: list[str], folder: Path, env: dict[str, str]) -> dict[str, float]:
    """CPU and wall seconds and peak memory of a process and its children."""
    log = BENCH / "last.txt"
    began = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        called, code = " ".join(command), os.waitstatus_to_exitcode(status)
        raise SystemExit(f"{called} ended with {code}:\n{log.read_text()}")
    wall = time.perf_counter() - began
    return {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "wall_seconds": wall,
        "peak_mib": used.ru_maxrss / 1024,
    }


def json_from(command: list[str], product: Path, **more: Any) -> Any:
    """The JSON that a script prints as its last line."""
    done = subprocess.run(
        command, cwd=product, env=environment(product), check=True, stdout=subprocess.PIPE, **more
    )
    return json.loads(done.stdout.splitlines()[-1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: list[str], env: dict[str, str], folder: Path, health: str
) -> Iterator[tuple[int, float]]:
    """Runs a server during the block; gives its process id and the seconds until it is healthy."""
    began = time.perf_counter()
    with (BENCH / "server.txt").open("a") as log:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
        try:
            await_response(health)
            yield process.pid, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(timeout=60)


def await_response(address: str, patience: float = 120.0) -> None:
    """Waits until the address responds without an error."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(
        f"{address} did not respond within {patience:.0f} s; see {BENCH / 'server.txt'}"
    )


def write_results(name: str, found: Any) -> None:
    """Writes the results of one benchmark to build/benchmarks-NAME.json."""
    (ROOT / "build" / f"benchmarks-{name}.json").write_text(json.dumps(found, indent=2))
