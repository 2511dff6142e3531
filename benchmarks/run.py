"""One command that measures a product against the floor, in one sitting: ``make bench``.

Bakes a product, lays the reference job over it, and runs floor and flow in turn, each in a process of its
own. What counts is the ratio within one sitting; machines differ. Writes build/benchmarks.json.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
BENCH = ROOT / "build" / "bench"
PYTHON = str(ROOT / "build" / "env" / "bin" / "python")
COOKIECUTTER = str(Path(sys.executable).with_name("cookiecutter"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000])
    given = options.parse_args()
    shutil.rmtree(BENCH, ignore_errors=True)
    bake_seconds = min(bake(BENCH / f"bake{n}") for n in range(3))
    product = BENCH / "bake0" / "churn-radar"
    lay_reference_over(product)
    found: dict[str, Any] = {"bake_seconds": bake_seconds, "help_seconds": help_seconds(product)}
    found["training"] = [row for rows in given.rows for row in training(product, rows, given.repeats)]
    found |= {
        "validate": piece(product, "validate", str(rows_of(product, 2_000_000))),
        "bootstrap": piece(product, "bootstrap"),
    }
    (ROOT / "build" / "benchmarks.json").write_text(json.dumps(found, indent=2))
    show(found)


def bake(target: Path) -> float:
    """Seconds of one bake."""
    began = time.perf_counter()
    arguments = [COOKIECUTTER, "--default-config", "--no-input", "--output-dir", str(target), str(ROOT)]
    subprocess.run(arguments, check=True, capture_output=True)
    return time.perf_counter() - began


def lay_reference_over(product: Path) -> None:
    for folder in ("product", "config"):
        shutil.copytree(HERE / "reference" / folder, product / folder, dirs_exist_ok=True)
    shutil.copytree(HERE / "reference" / "package", product / "src" / "churn_radar", dirs_exist_ok=True)


def environment(product: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(product / "src"), "PREFECT_HOME": str(product / "var" / "prefect"), **more}


def help_seconds(product: Path) -> float:
    """The best of three, the bytecode being there."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(
            [PYTHON, "-m", "churn_radar", "--help"],
            cwd=product,
            env=environment(product),
            check=True,
            capture_output=True,
        )
        taken.append(time.perf_counter() - began)
    return min(taken)


def rows_of(product: Path, rows: int) -> Path:
    path = BENCH / f"rows{rows}.parquet"
    if not path.exists():
        subprocess.run([PYTHON, str(HERE / "rows.py"), str(rows), str(path)], check=True)
    return path


def training(product: Path, rows: int, repeats: int) -> Iterator[dict[str, Any]]:
    """The floor, and the flow with a temporary and with a running Prefect server, in turn."""
    source = rows_of(product, rows)
    shutil.copy(source, product / "data.parquet")
    measured: dict[str, list[dict[str, float]]] = {"floor": [], "temporary server": [], "running server": []}
    flow = [PYTHON, "-m", "churn_radar", "train", "--source", "data.parquet"]
    with prefect_server(product) as address:
        for n in range(repeats + 1):  # the first round warms up and does not count
            work = BENCH / f"floor{rows}-{n}"
            work.mkdir()
            floor = measure([PYTHON, str(HERE / "floor.py"), str(source), str(work)], product, environment(product))
            temporary = measure(flow, fresh(product), environment(product))
            running = measure(flow, fresh(product), environment(product, PREFECT_API_URL=address))
            if n:
                for name, one in zip(measured, (floor, temporary, running), strict=True):
                    measured[name].append(one)
    middle = {
        name: {key: statistics.median(one[key] for one in each) for key in each[0]} for name, each in measured.items()
    }
    for name, one in middle.items():
        ratios = {f"{key}_ratio": one[key] / middle["floor"][key] for key in one}
        yield {"rows": rows, "what": name, **one, **ratios}


def fresh(product: Path) -> Path:
    """The product without what earlier trainings left, Prefect's own database aside."""
    for path in (product / "var").glob("*"):
        if path.name != "prefect":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
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
    return {"cpu_seconds": used.ru_utime + used.ru_stime, "wall_seconds": wall, "peak_mib": used.ru_maxrss / 1024}


@contextmanager
def prefect_server(product: Path) -> Iterator[str]:
    """The address of a Prefect server that runs as long as the block does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/api"
    env = environment(product, PREFECT_HOME=str(BENCH / "server"), PREFECT_SERVER_ANALYTICS_ENABLED="false")
    (BENCH / "server").mkdir(exist_ok=True)
    command = [PYTHON, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (BENCH / "server.txt").open("w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            await_answer(f"{address}/health")
            yield address
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
            time.sleep(0.5)
    raise SystemExit(f"{address} did not answer within {patience:.0f} s; see {BENCH / 'server.txt'}")


def piece(product: Path, *what: str) -> dict[str, float]:
    command = [PYTHON, str(HERE / "pieces.py"), "churn_radar", *what]
    told = subprocess.run(command, cwd=product, env=environment(product), check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return answer


def show(found: dict[str, Any]) -> None:
    print(f"{'training':<28}{'CPU s':>8}{'ratio':>8}{'wall s':>9}{'ratio':>8}{'MiB':>8}{'ratio':>8}")
    for row in found["training"]:
        name = f"{row['rows']:,} rows, {row['what']}"
        figures = (row["cpu_seconds"], row["cpu_seconds_ratio"], row["wall_seconds"], row["wall_seconds_ratio"])
        cpu, cpu_ratio, wall, wall_ratio = figures
        memory = f"{row['peak_mib']:>8.0f}{row['peak_mib_ratio']:>8.2f}"
        print(f"{name:<28}{cpu:>8.1f}{cpu_ratio:>8.2f}{wall:>9.1f}{wall_ratio:>8.2f}{memory}")
    validated, drawn = found["validate"], found["bootstrap"]
    print(f"bake                 {found['bake_seconds']:.2f} s")
    print(f"--help               {found['help_seconds']:.2f} s")
    print(f"rows validated       {validated['rows_per_second']:,.0f} a second, of 2,000,000 × {validated['columns']}")
    print(f"memory of that       {validated['peak_growth']:.2f} × the table of {validated['frame_mib']:.0f} MiB")
    sizes = f"1,000 resamples of 200,000 rows, 2 × {drawn['metrics']:.0f} metrics"
    print(f"bootstrap            {drawn['cpu_seconds']:.1f} s of CPU, {sizes}")


if __name__ == "__main__":
    main()
