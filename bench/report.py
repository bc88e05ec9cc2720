"""How measurements are printed."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path


def machine(*packages: str) -> None:
    """Prints what was measured on: the machine and the versions of these packages."""
    _line(
        {
            "machine": platform.machine(),
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        }
    )


def figure(
    name: str,
    value: float,
    unit: str,
    n: int,
    must: float | None = None,
    *,
    at_least: bool = False,
    aim: float | None = None,
    **more: object,
) -> bool:
    """Prints a figure.

    Args:
        name: of the figure.
        value: what was measured.
        unit: of the value.
        n: how many measurements are behind it.
        must: what the value may not be above, or with `at_least` below; None: nothing is promised.
        at_least: whether more is better.
        aim: what it is meant to reach one day, beyond `must`.
        more: further facts.

    Returns:
        Whether it is as it must be.
    """
    holds = must is None or (value >= must if at_least else value <= must)
    record: dict[str, object] = {
        "figure": name,
        "value": round(value, 4),
        "unit": unit,
        "n": n,
        "must": must,
        "holds": holds,
    }
    if aim is not None:
        record |= {"aim": aim, "reaches_aim": value >= aim if at_least else value <= aim}
    _line({**record, **more})
    return holds


def _line(record: dict[str, object]) -> None:
    print(json.dumps(record, ensure_ascii=False), flush=True)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
