"""Compares the service with a plain FastAPI application with the same model: ``make bench-serve``.

The servers are the baseline, the service without acceleration, and the service. They run in
separate processes on one core. Clients in another process send requests to each server in turn, in
three rounds, and the medians are shown. Writes build/benchmarks-serving.json.
"""

import argparse
import json
import shutil
import statistics
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sitting import (
    BENCH,
    PRODUCT,
    environment,
    free_port,
    json_from,
    python_at,
    released,
    rows_of,
    running,
    write_results,
)

LOADS = {
    "1 row, 1 client": (1, 1),
    "1 row, 8": (1, 8),
    "1 row, 32": (1, 32),
    "100 rows, 8": (100, 8),
}
# Requests per second of other servers, measured once on another machine. The first line is the same
# software as our baseline, and connects both machines.
PEERS = {
    "FastAPI, async def": (133, 147, 135, 94),
    "FastAPI, def": (141, 74, 55, 46),
    "mlflow models serve": (81, 53, 47, 55),
    "MLServer": (125, 106, 111, 103),
    "LitServe": (116, 133, 133, 114),
    "BentoML": (86, 101, 93, 71),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=4.0)
    given = options.parse_args()
    product = released(BENCH / "serving")
    bodies = {rows: bodies_of(product, rows) for rows, _ in LOADS.values()}
    found: dict[str, Any] = {}
    with ExitStack() as alive:
        servers = {name: alive.enter_context(served) for name, served in serving(product).items()}
        ports = dict(zip(servers, PORTS, strict=True))
        for load, (rows, clients) in LOADS.items():
            measured: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
            for _ in range(given.rounds):
                for name, port in ports.items():
                    command = [
                        *python_at("clients.py"),
                        str(port),
                        str(clients),
                        str(given.seconds),
                    ]
                    measured[name].append(json_from(command, product, input=bodies[rows]))
            for name, rounds in measured.items():
                middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
                middle["slowest_ms"] = max(one["slowest_ms"] for one in rounds)
                found.setdefault(name, {})[load] = middle
        for name, (process, seconds) in servers.items():
            found[name] |= {"ready_seconds": seconds, "mib": resident_mib(process)}
    write_results("serving", found)
    show(found)


def bodies_of(product: Path, rows: int) -> bytes:
    """Request bodies of ``rows`` rows each, one per line."""
    sample: list[Any] = json_from(
        [*python_at("rows.py"), "as-json", str(rows_of(20_000)), "1000"], product
    )
    starts = range(0, len(sample), rows)
    return b"\n".join(
        json.dumps({"rows": sample[start : start + rows]}).encode() for start in starts
    )


PORTS = [free_port() for _ in range(3)]


def serving(product: Path) -> dict[str, Any]:
    """Context managers that run the servers, by name."""
    baseline, plain, usual = map(str, PORTS)
    commands = {
        "baseline": [*python_at("serve_baseline.py"), "churn_radar", baseline],
        "plain": [*python_at("serve_plain.py"), "churn_radar", plain],
        "accelerated": [*PRODUCT, "serve", "--port", usual],
    }
    env = environment(product, OMP_NUM_THREADS="1")
    core = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    return {
        name: running([*core, *command], env, product, f"http://127.0.0.1:{port}/health/ready")
        for (name, command), port in zip(commands.items(), PORTS, strict=True)
    }


def resident_mib(process: int) -> float:
    """The resident memory of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def show(found: dict[str, Any]) -> None:
    print(f"{'':<22}" + "".join(f"{load:>34}" for load in LOADS))
    for name, figures in found.items():
        cells = [cell(figures[load], found["baseline"][load]) for load in LOADS]
        print(
            f"{name:<22}{''.join(cells)}  {figures['mib']:.0f} MiB, ready in"
            f" {figures['ready_seconds']:.1f} s"
        )
    for name, rates in PEERS.items():
        against = [
            rate / baseline
            for rate, baseline in zip(rates, PEERS["FastAPI, async def"], strict=True)
        ]
        print(
            f"{name:<22}"
            + "".join(
                f"{rate:>26} {ratio:>6.2f}×" for rate, ratio in zip(rates, against, strict=True)
            )
        )


def cell(figures: dict[str, float], baseline: dict[str, float]) -> str:
    """Requests per second, p50/p99/slowest in milliseconds, and the ratio to the baseline."""
    caption = (
        f"{figures['requests_per_second']:.0f},"
        f" {figures['p50_ms']:.1f}/{figures['p99_ms']:.0f}/{figures['slowest_ms']:.0f}"
    )
    return (
        f"{caption:>26} {figures['requests_per_second'] / baseline['requests_per_second']:>6.2f}×"
    )


if __name__ == "__main__":
    main()
