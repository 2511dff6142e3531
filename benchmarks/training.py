"""Compares the reference job with its baseline, in one run: ``make bench``.

Generates a product with the reference job. Then runs the baseline and the product in turn, in
separate processes: the training alone, and the whole job with scoring and drift. Compare the ratios
of one run, because seconds differ between machines. Writes build/benchmarks-training.json.
"""

import argparse
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sitting import (
    BENCH,
    PRODUCT,
    PYTHON,
    add_reference_job,
    bake,
    environment,
    free_port,
    json_from,
    measure,
    python_at,
    rows_of,
    running,
    shifted,
    write_results,
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000])
    given = options.parse_args()
    shutil.rmtree(BENCH, ignore_errors=True)
    bake_seconds = min(bake(BENCH / f"bake{n}") for n in range(3))
    product = BENCH / "bake0" / "churn-radar"
    add_reference_job(product)
    found: dict[str, Any] = {"bake_seconds": bake_seconds, "help_seconds": help_seconds(product)}
    found["training"] = [
        row for n in given.rows for row in against_baseline(product, rows_of(n), given.repeats)
    ]
    found["whole"] = [
        row
        for n in given.rows
        for row in against_baseline(product, rows_of(n), given.repeats, whole=True)
    ]
    pieces = [*python_at("pieces.py"), "churn_radar"]
    found |= {
        "validate": json_from([*pieces, "validate", str(rows_of(2_000_000))], product),
        "bootstrap": json_from([*pieces, "bootstrap"], product),
    }
    write_results("training", found)
    show(found)


def help_seconds(product: Path) -> float:
    """The fewest seconds of three runs of ``--help``, so that the bytecode is cached."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(
            [*PRODUCT, "--help"],
            cwd=product,
            env=environment(product),
            check=True,
            capture_output=True,
        )
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def against_baseline(
    product: Path, rows: Path, repeats: int, *, whole: bool = False
) -> Iterator[dict[str, Any]]:
    """Medians of the baseline and of the product with a temporary and a running Prefect server."""
    measured: dict[str, list[dict[str, float]]] = {
        "baseline": [],
        "temporary server": [],
        "running server": [],
    }
    product_command = [*PRODUCT, "train", "--source", str(rows)]
    baseline_command = [*python_at("baseline.py"), str(rows), str(BENCH / "baseline")]
    if whole:
        product_command = [*python_at("job.py"), "churn_radar", str(rows), str(shifted(rows))]
        baseline_command.append(str(shifted(rows)))
    with prefect_server(product) as address:
        for n in range(repeats + 1):  # the first round is a warm-up
            shutil.rmtree(BENCH / "baseline", ignore_errors=True)
            (BENCH / "baseline").mkdir()
            baseline = measure(baseline_command, product, environment(product))
            temporary = measure(product_command, fresh(product), environment(product))
            running = measure(
                product_command, fresh(product), environment(product, PREFECT_API_URL=address)
            )
            if n:
                for name, one in zip(measured, (baseline, temporary, running), strict=True):
                    measured[name].append(one)
    middle = {
        name: {key: statistics.median(one[key] for one in each) for key in each[0]}
        for name, each in measured.items()
    }
    for name, one in middle.items():
        ratios = {f"{key}_ratio": one[key] / middle["baseline"][key] for key in one}
        yield {"rows": rows.stem, "what": name, **one, **ratios}


def fresh(product: Path) -> Path:
    """The product without the files of earlier trainings, except Prefect's."""
    for path in (product / "var").glob("*"):
        if path.name != "prefect":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return product


@contextmanager
def prefect_server(product: Path) -> Iterator[str]:
    """Runs a Prefect server during the block and gives its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/api"
    (BENCH / "server").mkdir(exist_ok=True)
    env = environment(
        product, PREFECT_HOME=str(BENCH / "server"), PREFECT_SERVER_ANALYTICS_ENABLED="false"
    )
    command = [
        PYTHON,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with running(command, env, product, f"{address}/health"):
        yield address


def show(found: dict[str, Any]) -> None:
    """Prints the figures."""
    for what in ("training", "whole"):
        print(f"{what:<30}{'CPU s':>8}{'ratio':>8}{'wall s':>9}{'ratio':>8}{'MiB':>8}{'ratio':>8}")
        for row in found[what]:
            cpu, wall, memory = (
                (row[key], row[f"{key}_ratio"])
                for key in ("cpu_seconds", "wall_seconds", "peak_mib")
            )
            figures = f"{cpu[0]:>8.1f}{cpu[1]:>8.2f}{wall[0]:>9.1f}{wall[1]:>8.2f}"
            figures += f"{memory[0]:>8.0f}{memory[1]:>8.2f}"
            print(f"{row['rows']} {row['what']}".ljust(30) + figures)
    validated, drawn = found["validate"], found["bootstrap"]
    print(f"bake                 {found['bake_seconds']:.2f} s")
    print(f"--help               {found['help_seconds']:.2f} s")
    print(
        f"rows validated       {validated['rows_per_second']:,.0f} a second, of 2,000,000 ×"
        f" {validated['columns']}"
    )
    print(
        f"memory growth        {validated['peak_growth']:.2f} × the table of"
        f" {validated['frame_mib']:.0f} MiB"
    )
    sizes = f"1,000 resamples of 200,000 rows, 2 × {drawn['metrics']:.0f} metrics"
    print(f"bootstrap            {drawn['cpu_seconds']:.1f} s of CPU, {sizes}")


if __name__ == "__main__":
    main()
