"""The whole study: ``python -m experiments.study``, or ``make study``.

What is finished is kept in a folder, so that a study that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import fcntl
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from experiments import plan as plans
from experiments.commands import CommandError
from experiments.findings import write_findings
from experiments.measure import measure
from experiments.parallel import CORES, measure_parallel
from experiments.plan import Network, Plan, Training
from experiments.results import Record, Results
from experiments.sections.found import BOUNDARIES, BOXES, NETWORKS, PARALLEL, PLANES, TABLES
from experiments.trainings import measure_training, of_boundary, on_box, on_planes
from nnce_cli.base.errors import InputError

ROOT = Path(__file__).resolve().parents[1]

Studied = TypeVar("Studied", Network, Training)


def main() -> None:
    """Measure what is not measured yet, then write the findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few small networks")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="what is finished [build/study]")
    options = parser.parse_args()
    folder = options.folder or ROOT / "build" / ("study-small" if options.small else "study")
    # The small study is a trial: its page stays in its folder.
    results = folder / "results" if options.small else ROOT / "experiments" / "results"
    pages = folder / "docs" if options.small else ROOT / "docs"
    try:
        with _alone_in(folder):
            run(plans.small() if options.small else plans.full(), folder, results)
        page = write_findings(results, pages)
    except (InputError, CommandError) as error:
        sys.exit(f"study: {error}")
    except KeyboardInterrupt:
        sys.exit("study: stopped; the same command goes on from here")
    print(f"study: {page} is written", file=sys.stderr)


def run(plan: Plan, folder: Path, published: Path) -> None:
    """Do what of a plan is not done yet, and write the results of all of it to ``published``.

    Raises:
        InputError: files cannot be read or written.
        CommandError: a network could not be enumerated and certified.
    """
    models = folder / "models"
    for path in (models, published):
        path.mkdir(parents=True, exist_ok=True)
    results = {name: Results(folder / name) for name in TABLES}
    _measure_all(plan.networks, partial(measure, models=models), results[NETWORKS])
    for network in plan.parallel:
        if network.name not in results[PARALLEL]:
            _say(f"workers on {network.name}")
            results[PARALLEL].add(measure_parallel(network, models, plan.rounds))
    for name, trainings, look in (
        (BOXES, plan.boxes, on_box),
        (PLANES, plan.planes, on_planes),
        (BOUNDARIES, plan.boundaries, of_boundary),
    ):
        _measure_all(trainings, partial(measure_training, look, models=models), results[name])
    for name, part in (
        (NETWORKS, plan.networks),
        (PARALLEL, plan.parallel),
        (BOXES, plan.boxes),
        (PLANES, plan.planes),
        (BOUNDARIES, plan.boundaries),
    ):
        results[name].write(published / name, [each.name for each in part])


def _measure_all(
    planned: Sequence[Studied], measured: Callable[[Studied], Record], results: Results
) -> None:
    """Measure what is left, as many at a time as there are cores."""
    left = [each for each in planned if each.name not in results]
    _say(f"{len(planned) - len(left)} of {len(planned)} are done of {results.path.name}")
    if not left:
        return
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        running: list[Future[Record]] = [pool.submit(measured, each) for each in left]
        try:
            for count, done in enumerate(as_completed(running), start=1):
                record = done.result()
                results.add(record)
                _say(
                    f"{count} of {len(left)}: {record['name']}, "
                    f"{record['processor_seconds']:.1f} s of processor"
                )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder against another study until the end of the block.

    Raises:
        InputError: one works there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another study works in {folder}; wait for its end") from None
        yield


def _say(words: str) -> None:
    print(f"study: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
