"""How good the doctor is, on programs that fail and on ones that do not: `python -m bench.doctor`.

Runs every program of `tests/doctor/programs`, sick and healthy, with several seeds, under the
watch. Prints by fault how often it was found at all, how often it came first, and after how many
steps; then every healthy run with a finding; then what was taken for what.
"""

import argparse
import dataclasses
import importlib
import json
import multiprocessing
import statistics
import sys
import time
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

import thalweg as tw

FOLDER = Path(__file__).parents[1] / "tests" / "doctor" / "programs"
# Shares of a run at which it is judged once more, to see how early the finding came.
MOMENTS = (0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass
class Case:
    """One run of a program."""

    program: str
    fault: str | None
    seed: int
    is_sick: bool
    found: list[str] = field(default_factory=list)
    """Faults of the findings, the first first."""
    beneath: list[str] = field(default_factory=list)
    """Faults that a finding explains."""
    first_step: int | None = None
    """After how many steps the right finding was there."""
    steps: int = 0
    seconds: float = 0.0
    error: str | None = None


def programs(only: str = "") -> list[Any]:
    """Return the programs whose name begins as asked for."""
    if "_suite" not in sys.modules:
        sys.path.insert(0, str(FOLDER))
        for path in sorted(FOLDER.glob("[a-z]*.py")):
            importlib.import_module(path.stem)
    suite = importlib.import_module("_suite")
    return [each for each in suite.PROGRAMS if each.name.startswith(only)]


def run(program: Any, seed: int, is_sick: bool, records: Path | None = None) -> Case:
    """Run a program under the watch; with `records`, keep what was seen, or use what was kept."""
    case = Case(program.name, program.fault, seed, is_sick)
    began = time.perf_counter()
    name = f"{program.name}-{seed}-{'sick' if is_sick else 'well'}".replace(": ", "--")
    kept = records / f"{name}.json" if records is not None else None
    if kept is not None and kept.exists():
        record = tw.doctor.Record.from_json(json.loads(kept.read_text()))
        return judge(case, record, tw.doctor.diagnose(record))
    training = program.start(seed, is_sick)
    try:
        model, optimizer = next(training)
        with tw.watch(model, optimizer) as doctor:
            for _ in training:
                pass
    except Exception as error:  # A program that fails is a row of the table too.
        case.error = f"{type(error).__name__}: {error}".split("\n")[0]
        return case
    case.seconds = time.perf_counter() - began
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(doctor.record.to_json()))
    return judge(case, doctor.record, doctor.diagnosis)


def judge(case: Case, record: Any, diagnosis: Any) -> Case:
    """Enter into the case what was found."""
    case.steps = diagnosis.steps
    case.found = [finding.fault for finding in diagnosis.findings]
    case.beneath = [each.fault for finding in diagnosis.findings for each in finding.symptoms]
    case.error = record.limits.get("all")
    if case.is_sick and case.fault in case.found[:1]:
        case.first_step = _first_step(record, case.fault)
    return case


def _first_step(record: Any, fault: str) -> int | None:
    for share in MOMENTS:
        last = round(share * len(record.steps))
        early = dataclasses.replace(
            record,
            steps=record.steps[:last],
            samples=[sample for sample in record.samples if sample.step <= last],
            evaluations=[each for each in record.evaluations if each.step <= last],
        )
        if fault in [finding.fault for finding in tw.doctor.diagnose(early).findings]:
            return last
    return None


def _run(task: tuple[str, int, bool, Path | None]) -> Case:
    name, seed, is_sick, records = task
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    program = next(each for each in programs() if each.name == name)
    return run(program, seed, is_sick, records)


def report(cases: list[Case]) -> dict[str, float]:
    """Print what came of the runs; return the figures."""
    for case in cases:
        if case.error:
            print(f"ERROR  {case.program} seed {case.seed}: {case.error}")
    sick = [case for case in cases if case.is_sick]
    well = [case for case in cases if not case.is_sick]
    by_fault: dict[str, list[Case]] = defaultdict(list)
    for case in sick:
        by_fault[case.fault or ""].append(case)
    print(f"{'fault':24} {'runs':>5} {'found':>6} {'first':>6} {'steps':>6}   instead")
    for fault in sorted(by_fault):
        of = by_fault[fault]
        found = sum(fault in case.found for case in of)
        first = sum(case.found[:1] == [fault] for case in of)
        steps = [case.first_step for case in of if case.first_step is not None]
        instead = Counter(
            case.found[0] if case.found else "nothing" for case in of if case.found[:1] != [fault]
        )
        median = f"{statistics.median(steps):.0f}" if steps else "–"
        named = ", ".join(f"{name} {times}" for name, times in instead.most_common(4))
        print(f"{fault:24} {len(of):5} {found:6} {first:6} {median:>6}   {named}")
    alarms = [case for case in well if case.found]
    for case in alarms:
        kind = "twin" if case.fault else "healthy"
        print(f"ALARM  {kind} {case.program} seed {case.seed}: {', '.join(case.found)}")
    detected = sum(c.fault in [*c.found, *c.beneath] for c in sick)
    first = sum(c.found[:1] == [c.fault] for c in sick)
    figures = {
        "sick runs": len(sick),
        "detected": detected / max(1, len(sick)),
        "right cause first": first / max(1, len(sick)),
        "healthy runs": len(well),
        "healthy with a finding": len(alarms) / max(1, len(well)),
    }
    for name, value in figures.items():
        print(f"{name:24} {value:.1%}" if isinstance(value, float) else f"{name:24} {value}")
    return figures


def main() -> None:
    """Run the suite and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.doctor", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="programs whose name begins so")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write every run as JSON")
    parser.add_argument("--records", type=Path, help="folder of records to use, or to make")
    arguments = parser.parse_args()
    tasks = [
        (program.name, seed, is_sick, arguments.records)
        for program in programs(arguments.only)
        for seed in arguments.seeds
        for is_sick in ((True, False) if program.fault else (False,))
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, mp_context=spawn) as pool:
        cases = list(pool.map(_run, tasks, chunksize=4))
    report(cases)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps([asdict(case) for case in cases], indent=1))


if __name__ == "__main__":
    main()
