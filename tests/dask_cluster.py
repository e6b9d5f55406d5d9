"""A Dask cluster of real processes that tests start, stop, kill and starve."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import distributed

# So many small tasks come of a small network, here and in the workers.
TREE_NODES = 250


def small_tasks(nodes: int) -> str:
    """Return a preload by which a worker walks tasks of so many nodes."""
    return f"""
    import sys
    sys.modules["pandas"] = None  # pyarrow would load it, which takes a second
    import nnce_cli.parallel.walking as walking
    walking.budget = lambda generation, widths, node_cost, *, rows=True: {nodes}
"""


SMALL_TASKS = small_tasks(TREE_NODES)
SLOW_TASKS = """
    import time
    from nnce_cli.parallel.budget import divide
    def slowly(*arguments):
        time.sleep({seconds})
        return divide(*arguments)
    walking.divide = slowly
"""
NO_NNCE = """
    import sys

    class Nothing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "nnce_cli":
                raise ImportError("there is no nnce here")

    sys.meta_path.insert(0, Nothing())
"""


class Processes:
    """A scheduler that has no nnce, and workers without a nanny."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.workers: list[subprocess.Popen] = []
        self.start_scheduler()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        """Start the scheduler: at the same address, if there was one before."""
        log = self.folder / "scheduler.log"
        log.write_bytes(b"")
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), preload=NO_NNCE, log=log
        )
        deadline = time.monotonic() + 60
        while "Scheduler at:" not in log.read_text():
            assert self.scheduler.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        line = next(x for x in log.read_text().splitlines() if "Scheduler at:" in x)
        self.port = int(line.rpartition(":")[2])

    def start_worker(self, preload: str = SMALL_TASKS, threads: int = 1) -> subprocess.Popen:
        """Start a worker; it joins in a second or two."""
        number = len(self.workers)
        worker = self._start(
            "worker", self.address, "--no-nanny", "--nthreads", str(threads), "--name", str(number),
            preload=preload, log=self.folder / f"worker-{number}.log",
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def _start(self, kind: str, *arguments: str, preload: str, log: Path) -> subprocess.Popen:
        script = self.folder / f"preload-{abs(hash(preload))}.py"
        script.write_text(textwrap.dedent(preload))
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
        with log.open("ab") as file:
            return subprocess.Popen(
                [*command, "--no-dashboard", "--preload", str(script)],
                cwd=self.folder,
                env=os.environ | {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"},
                stdout=file,
                stderr=file,
            )

    def alive(self) -> list[subprocess.Popen]:
        return [worker for worker in self.workers if worker.poll() is None]

    def ensure(self, workers: int) -> None:
        """Have so many workers alive, and the scheduler."""
        if self.scheduler.poll() is not None:
            self.scheduler.wait()
            self.start_scheduler()
        for _ in range(workers - len(self.alive())):
            self.start_worker()

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


@contextmanager
def client_of(processes: Processes, workers: int = 0, timeout: float = 30):
    """Yield a client, when so many workers are there."""
    with distributed.Client(processes.address, set_as_default=False, timeout=timeout) as client:
        if workers:
            client.wait_for_workers(workers, timeout=60)
        yield client


class Storm:
    """Does to workers at random what a cluster does; ``deeds`` counts what was done.

    It is to be told what the run has ``done``, in tasks, and when it ``is_over``.
    """

    def __init__(self, processes: Processes, preload: str, seed: int) -> None:
        self.done, self.is_over = 0, False
        self.deeds: Counter[str] = Counter()
        self._processes = processes
        self._preload = preload
        self._random = random.Random(seed)
        self._stopped: list[subprocess.Popen] = []

    def rage(self, until: int) -> None:
        """Kill, stop, wake and start workers, until the run has done so many tasks.

        Some tasks come between two deeds, so that there is an end; or new workers do.
        """
        while self.done < until and not self.is_over:
            before, deadline = self.done, time.monotonic() + 20
            aim = min(before + 3, until)
            while self.done < aim and not self.is_over and time.monotonic() < deadline:
                time.sleep(0.05)
            up = [w for w in self._processes.alive() if w not in self._stopped]
            deed = self._random.choice(["kill", "stop", "wake", "start"])
            if deed == "kill" and len(up) > 1:
                self._random.choice(up).kill()
            elif deed == "stop" and len(up) > 1:
                self._stopped.append(self._random.choice(up))
                self._stopped[-1].send_signal(signal.SIGSTOP)
            elif deed == "wake" and self._stopped:
                self._stopped.pop(0).send_signal(signal.SIGCONT)
            elif len(up) < 3:
                deed = "start"
                self._processes.start_worker(self._preload)
            else:
                continue
            self.deeds[deed] += 1

    def kill_scheduler(self) -> None:
        """Kill the scheduler; the workers notice, and end."""
        self._processes.scheduler.kill()
        self._processes.scheduler.wait()
        self.deeds["kill scheduler"] += 1

    def come_back(self) -> None:
        """Have a scheduler at the address of the one before, and three new workers."""
        if self._processes.scheduler.poll() is not None:
            self._processes.start_scheduler()
        for _ in range(3):
            self._processes.start_worker(self._preload)
