"""The description of the machine, and summaries of repeated measurements."""

import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

PACKAGES = ("cornu", "jax", "jaxlib", "keras", "torch", "tensorflow-cpu", "numpy")


def spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 4), "least": round(min(values), 4), "most": round(max(values), 4)}


def machine() -> dict[str, str]:
    """Return the hardware and the versions of the packages, which are stored with the results."""
    found = {"processor": processor(), "vectors": vectors(), "cores": str(os.cpu_count()), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())


def vectors() -> str:
    """Return the widest vector instructions, which determine the kernels that engines use."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), [])
    return next((name for name in ("avx512f", "avx2", "avx") if name in flags), "unknown")


def matrix_products(size: int = 2048, times: int = 7) -> list[float]:
    """Return the GFLOP/s of products of two large float32 matrices, an upper bound for any network on this machine."""
    a, b = (np.random.default_rng(seed).random((size, size), dtype="float32") for seed in (0, 1))
    found = []
    for _ in range(times + 1):
        began = time.perf_counter()
        a @ b
        found.append(2 * size**3 / (time.perf_counter() - began) / 1e9)
    return found[1:]
