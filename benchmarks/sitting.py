"""What one sitting of every benchmark needs: a product with the reference job, processes, and what
they cost.
"""

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
    "HERE",
    "PRODUCT",
    "PYTHON",
    "await_answer",
    "bake",
    "call",
    "environment",
    "free_port",
    "keep",
    "lay_reference_over",
    "measure",
    "python_at",
    "released",
    "rows_of",
    "running",
    "shifted",
    "told_by",
]

HERE = Path(__file__).parent
ROOT = HERE.parent
BENCH = ROOT / "build" / "bench"
PYTHON = str(Path(os.environ.get("PRODUCT_ENV", ROOT / "build" / "env")) / "bin" / "python")
COOKIECUTTER = str(Path(sys.executable).with_name("cookiecutter"))
PRODUCT = [PYTHON, "-m", "churn_radar"]


def bake(target: Path) -> float:
    """Seconds of one bake."""
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


def lay_reference_over(product: Path) -> None:
    for folder in ("product", "config"):
        shutil.copytree(HERE / "reference" / folder, product / folder, dirs_exist_ok=True)
    shutil.copytree(
        HERE / "reference" / "package", product / "src" / "churn_radar", dirs_exist_ok=True
    )


def python_at(name: str) -> list[str]:
    """The command of a script of this folder, in the product's environment."""
    return [PYTHON, str(HERE / name)]


def environment(product: Path, **more: str) -> dict[str, str]:
    sources = os.pathsep.join(map(str, (product / "src", product / "engine" / "src")))
    own = {"PYTHONPATH": sources, "PREFECT_HOME": str(product / "var" / "prefect")}
    return {**os.environ, "DO_NOT_TRACK": "true", **own, **more}


def rows_of(rows: int) -> Path:
    """A Parquet file of the reference job's rows."""
    path = BENCH / f"rows{rows}.parquet"
    if not path.exists():
        subprocess.run([*python_at("rows.py"), str(rows), str(path)], check=True)
    return path


def shifted(rows: Path) -> Path:
    """A Parquet file with a fifth of those rows, shifted."""
    path = rows.with_name(f"shifted-{rows.name}")
    if not path.exists():
        subprocess.run([*python_at("rows.py"), "shifted", str(rows), str(path)], check=True)
    return path


def call(product: Path, *verb: str) -> None:
    """One verb of the product; what it says is shown only where it breaks."""
    measure([*PRODUCT, *verb], product, environment(product))


def released(target: Path) -> Path:
    """A product whose champion is the reference model."""
    shutil.rmtree(target, ignore_errors=True)
    bake(target)
    product = target / "churn-radar"
    lay_reference_over(product)
    call(product, "train", "--source", str(rows_of(20_000)))
    call(product, "approve", "1", "--by", "bench@example.com", "--because", "It is the reference.")
    return product


def measure(command: list[str], folder: Path, env: dict[str, str]) -> dict[str, float]:
    """CPU and wall seconds and peak memory of a process and those it waited for."""
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


def told_by(command: list[str], product: Path, **more: Any) -> Any:
    """What a script prints as its last line, which is JSON."""
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
    """A server as long as the block lasts: its process id, and the seconds until ``health``
    answered.
    """
    began = time.perf_counter()
    with (BENCH / "server.txt").open("a") as log:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
        try:
            await_answer(health)
            yield process.pid, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(timeout=60)


def await_answer(address: str, patience: float = 120.0) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(
        f"{address} did not answer within {patience:.0f} s; see {BENCH / 'server.txt'}"
    )


def keep(what: str, found: Any) -> None:
    """Every figure of one benchmark, as build/benchmarks-WHAT.json."""
    (ROOT / "build" / f"benchmarks-{what}.json").write_text(json.dumps(found, indent=2))
