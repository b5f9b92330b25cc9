"""Training steps on a GPU, as written and recorded as CUDA graphs; how busy either keeps the GPU.

    python benchmarks/gpu_profile.py [--seconds 2] [--traces FOLDER] [--json FILE] [data=... ...]

A row for each phase of the default recipe that trains without RDKit, and for the networks of the
MolGAN paper at batch 128 (`benchmarks/train_speed.py`), in 32 bits and in bfloat16:

* molecules a second, as written and recorded (`trainer.capture=true`), by the clock, with the GPU
  waited for at the end;
* **busy**: the share of the time of twenty steps in which the GPU computes or copies, by
  `torch.profiler`. Far below 100 %, it waits for Python;
* **waits**: times a step that the host waits for the GPU, by `torch.cuda.set_sync_debug_mode`.

`--traces FOLDER` keeps the profiles for chrome://tracing. Words with `=` are settings of
`molgan.train` for the data; without them, the bundled set. Needs a GPU.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from train_speed import PAPER, our_trainer

from molgan.training import Phase
from molgan.training.capture import Capture, CudaRecorder

PRECISIONS = ("32-true", "bf16-mixed")
DEFAULT = (
    "reward=none",
    "trainer.phases.adversarial.reward_weight=0",
    "trainer.phases.adversarial.repair_weight=0",  # decodes at every step
    "trainer.phases.refinement=null",  # likewise
)
PROFILED = 20
# Enough for the warm-ups of the rarest kind of step, one in four.
FIRST = 24


def make_phases(settings: Iterable[str], recorded: bool) -> dict[str, Phase]:
    """The phases of a new trainer, begun."""
    trainer, _ = our_trainer(list(settings), device="cuda")
    for name, phase in trainer._phases.items():
        phase.begin()
        if recorded:
            device = trainer.context.fabric.device
            phase.capture_steps(Capture(name, CudaRecorder(trainer.context), device))
    return trainer._phases


def advance(phase: Phase, count: int) -> float:
    """Seconds of so many steps."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(count):
        phase.advance()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def rate(phase: Phase, seconds: float) -> float:
    """Molecules a second."""
    count = max(int(seconds / max(advance(phase, PROFILED) / PROFILED, 1e-6)), 1)
    return phase.molecules_per_step * count / advance(phase, count)


def busy(phase: Phase, trace: Path | None) -> float:
    """Share of the time of some steps in which the GPU does something, 0 to 1."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        seconds = advance(phase, PROFILED)
    if trace is not None:
        found.export_chrome_trace(str(trace))
    spans = [
        (event.time_range.start, event.time_range.end)
        for event in found.events()
        if event.device_type == DeviceType.CUDA
    ]
    return union(spans) / (seconds * 1e6)


def union(spans: Iterable[tuple[float, float]]) -> float:
    """How much time the spans cover together, each moment counted once."""
    covered, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        covered += max(end - max(start, until), 0.0)
        until = max(until, end)
    return covered


def waits(phase: Phase) -> float:
    """Times a step that the host waits for the GPU."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(PROFILED):
                phase.advance()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(each.message) for each in caught) / PROFILED


def measure(settings: list[str], seconds: float, traces: Path | None, label: str) -> dict[str, Any]:
    """Rows of the phases under these settings."""
    rows: dict[str, Any] = {}
    for word, recorded in (("written", False), ("recorded", True)):
        for name, phase in make_phases(settings, recorded).items():
            row = rows.setdefault(f"{label}: {name}", {})
            advance(phase, FIRST)
            trace = traces / f"{label}-{name}-{word}.json" if traces else None
            row[word] = {
                "rate": rate(phase, seconds),
                "busy": busy(phase, trace),
                "waits": waits(phase),
            }
            if phase._capture is not None:
                row["log"] = phase._capture.summary()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("settings", nargs="*", help="settings of the data, such as data=qm9")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one figure")
    parser.add_argument("--traces", type=Path, help="folder for the profiles")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.exit(1, "gpu_profile.py needs a GPU, and torch sees none here\n")
    if arguments.traces:
        arguments.traces.mkdir(parents=True, exist_ok=True)
    data = arguments.settings or ["data=bundled"]
    rows: dict[str, Any] = {}
    for precision in PRECISIONS:
        for label, settings in (("default", DEFAULT), ("paper", PAPER)):
            named = f"{label} {precision}"
            rows |= measure(
                [*settings, *data, f"precision={precision}"],
                arguments.seconds,
                arguments.traces,
                named,
            )
    device = torch.cuda.get_device_name()
    print(f"{device}; torch {torch.__version__}; molecules/s, busy, waits a step")
    print(f"{'':34s} {'as written':>26s}  {'recorded':>26s}  times")
    for name, row in rows.items():
        cells = [
            f"{row[word]['rate']:12,.0f} {row[word]['busy']:6.1%} {row[word]['waits']:5.1f}"
            for word in ("written", "recorded")
        ]
        gain = row["recorded"]["rate"] / row["written"]["rate"]
        print(f"{name:34s} {cells[0]:>26s}  {cells[1]:>26s}  {gain:5.2f}")
        print(f"  {row['log']}")
    if arguments.json:
        found = {"device": device, "torch": torch.__version__, "data": data, "rows": rows}
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
