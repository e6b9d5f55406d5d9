"""Runs on a Dask cluster of real processes: the same bytes, whatever dies."""

from __future__ import annotations

import dataclasses
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import cloudpickle
import distributed
import numpy as np
import pytest

import nnce_cli as nnce
from nnce_cli.api.domains import placed
from nnce_cli.base.checksum import Checksum
from nnce_cli.cli import main
from nnce_cli.enumeration import Problem, batches
from nnce_cli.parallel import Journal, Limits, Plan, coordinate
from nnce_cli.parallel.cluster import crew, engine, landing, messages, orders, remote
from nnce_cli.parallel.cluster.messages import Delivery
from nnce_cli.parallel.task import Failure, Outcome, Task
from nnce_cli.parallel.walking import walk_task
from tests.dask_cluster import (
    NO_NNCE,
    SLOW_TASKS,
    SMALL_TASKS,
    TREE_NODES,
    Processes,
    Storm,
    client_of,
)
from tests.parallel.test_parallel import in_one_walk, never, new_journal
from tests.runs import generic, part_files, plan_of, save_layers

HAND_MADE = Path(__file__).parents[2] / "sample_models" / "hand-made.onnx"


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    processes = Processes(tmp_path_factory.mktemp("cluster"))
    yield processes
    processes.end()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_layers(tmp_path_factory.mktemp("model") / "net-4.onnx", generic(4, 9, 9))


@pytest.fixture
def small_tasks(monkeypatch):
    """As the workers have them."""
    monkeypatch.setattr("nnce_cli.parallel.walking.budget", lambda *_, **__: TREE_NODES)


@pytest.fixture
def unseen(monkeypatch):
    """No worker sees the folder of the run."""
    monkeypatch.setattr(engine, "_probe", lambda folder: folder / "parts" / "nothing")


@pytest.fixture(scope="module")
def local(model, tmp_path_factory):
    """What one process writes: a table; one with a proof, and that."""
    folder = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnce_cli.parallel.walking.budget", lambda *_, **__: TREE_NODES)
        patch.chdir(folder)
        assert command(patch, model, "-o", "cells", "-j", "1") == 0
        assert command(patch, model, "-o", "proved", "--proof", "proof", "-j", "1") == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def command(patch, *arguments):
    """Run ``nnce enumerate`` in this process; return its exit code."""
    patch.setattr(sys, "argv", ["nnce", "enumerate", *map(str, arguments), "-q"])
    with pytest.raises(SystemExit) as ending:
        main()
    return ending.value.code


def fetched(monkeypatch):
    """Return a list that is filled with how parts come: "bytes" or "place"."""
    ways = []
    for name in ("_from_bytes", "_from_place"):
        real = getattr(landing, name)

        def land(*arguments, real=real, name=name):
            ways.append(name.removeprefix("_from_"))
            return real(*arguments)

        monkeypatch.setattr(landing, name, land)
    return ways


# The same bytes


@pytest.mark.parametrize("way", ["bytes", "place"])
def test_parts_travel_or_are_left_in_the_folder(
    way, request, processes, model, local, tmp_path, monkeypatch
):
    """With the certificate; the scheduler has no nnce, and nothing is left behind."""
    if way == "bytes":
        request.getfixturevalue("unseen")
    processes.ensure(2)
    ways = fetched(monkeypatch)
    monkeypatch.chdir(tmp_path)
    arguments = ["-o", "proved", "--proof", "proof", "--load-history", "load.csv"]
    assert command(monkeypatch, model, *arguments, "--dask", processes.address) == 0
    for name in ("proved", "proof"):
        assert (tmp_path / name).read_bytes() == local[name]
    assert set(ways) == {way}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["load.csv", "proof", "proved"]
    history = np.genfromtxt("load.csv", delimiter=",", names=True)
    assert history["workers_busy"].max() == 2
    assert history["tasks_done"].max() == len(ways)


def test_workers_die_and_hang_and_others_come(processes, model, local, tmp_path, monkeypatch):
    monkeypatch.setattr(crew, "SECONDS_OF_SILENCE", 1.5)
    monkeypatch.setattr(crew, "BEATS_OF_SILENCE", 2)
    processes.ensure(2)
    killed, stopped = processes.alive()[:2]
    struck, busy = [], set()

    def look(progress):
        if progress.done >= 3 and not struck:
            stopped.send_signal(signal.SIGSTOP)
            killed.kill()
            struck.append(processes.start_worker())
        busy.update(worker.pid for worker in progress.workers if worker.task is not None)

    with client_of(processes, 2) as client:
        nnce.enumerate(nnce.load(model), to=tmp_path / "cells", engine=client, watch=look)
    assert (tmp_path / "cells").read_bytes() == local["cells"]
    assert struck[0].poll() is None
    assert killed.wait() == -signal.SIGKILL
    assert len(busy) == 3
    assert all(address.startswith("tcp://127.0.0.1:") for address in busy)
    stopped.kill()
    stopped.wait()


def test_a_lost_scheduler_ends_the_run_which_goes_on_elsewhere(
    processes, model, local, small_tasks, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("nnce_cli.parallel.cluster.connection.SECONDS_TO_CONNECT", 1.0)
    monkeypatch.chdir(tmp_path)
    processes.ensure(1)
    commit = Journal.commit

    def commit_and_strike(journal, outcomes):
        new = commit(journal, outcomes)
        if journal.totals.done >= 3:
            processes.scheduler.kill()
        return new

    monkeypatch.setattr(Journal, "commit", commit_and_strike)
    arguments = ["-o", "proved", "--proof", "proof"]
    try:
        assert command(monkeypatch, model, *arguments, "--dask", processes.address) == 3
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("nnce_cli.parallel.walking.budget", lambda *_, **__: TREE_NODES)
        assert part_files(tmp_path / "proved.run")
        assert command(monkeypatch, model, *arguments, "-j", "1", "--resume") == 0
    finally:
        processes.scheduler.kill()
    for name in ("proved", "proof"):
        assert (tmp_path / name).read_bytes() == local[name]


# In one process


@pytest.fixture(scope="module")
def threads():
    """A client of a cluster in this process, of one worker with two threads."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def test_threads_of_a_worker_have_walks_of_their_own(
    threads, model, local, small_tasks, unseen, tmp_path
):
    nnce.enumerate(nnce.load(model), to=tmp_path / "cells", engine=threads)
    assert (tmp_path / "cells").read_bytes() == local["cells"]
    assert not remote._RUNS  # it is forgotten at the end


def test_a_count_has_no_parts(threads, model, small_tasks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, model, "--count-only", "-j", "1") == 0
    alone = capsys.readouterr().out
    monkeypatch.setattr(
        "nnce_cli.parallel.cluster.connection._scheduler",
        lambda where, stack: {"address": threads.scheduler.address},
    )
    assert command(monkeypatch, model, "--count-only", "--dask", "anywhere") == 0
    assert capsys.readouterr().out == alone


class Ordered:
    """Counts on a cluster in this process, and notes the tasks of each order that comes there.

    Tasks have no errands; ``seconds`` are those for the other tasks of an order. No worker survives
    a ``deadly`` task: the second one of the first order of several.
    """

    def __init__(self, monkeypatch, client, folder, seconds, *, deadly=False):
        self.plan = plan_of(generic(4, 12, 12))
        self.orders = []
        self.deadly = None
        self._client, self._folder, self._is_deadly, self._walk = (
            client,
            folder,
            deadly,
            remote.walk,
        )
        alone = lambda task, plan: walk_task(dataclasses.replace(task, errand=0.0), plan)  # noqa: E731
        monkeypatch.setattr(remote, "walk_task", alone)
        monkeypatch.setattr(remote, "walk", self._noted)
        monkeypatch.setattr(orders, "NEWS", 0.0)
        monkeypatch.setattr("nnce_cli.parallel.coordinator.errand_seconds", lambda *_: seconds)

    def count(self):
        with new_journal(self._folder, self.plan) as journal:
            engine_ = engine.DaskEngine(self._client, self.plan, self._folder, "net")
            engine_._orders._seconds = 1e-9
            assert coordinate(journal, self.plan, 1, Limits(), never, engine=engine_) is None
            journal.check(self.plan.problem.stack)
            return journal.totals, journal.troubles()

    def _noted(self, data):
        numbers = [task.number for task in messages.unpack_order(data)[1]]
        self.orders.append(numbers)
        if self._is_deadly and self.deadly is None and len(numbers) > 1:
            self.deadly = numbers[1]
        if self.deadly in numbers:
            raise RuntimeError("no worker survives this")
        return self._walk(data)


@pytest.mark.parametrize("seconds", [1e-6, 1e9])
def test_some_tasks_are_one_order(threads, small_tasks, tmp_path, monkeypatch, seconds):
    """Those for which there was no time come again; the sums are the same."""
    ordered = Ordered(monkeypatch, threads, tmp_path, seconds)
    totals, _ = ordered.count()
    assert totals.layer_cells == in_one_walk(ordered.plan).layer_cells
    assert 1 < max(map(len, ordered.orders)) <= orders.TOGETHER
    numbers = [number for order in ordered.orders for number in order]
    assert (len(numbers) == totals.done) == (seconds > 1)


def test_the_task_that_is_to_blame_is_found(threads, small_tasks, tmp_path, monkeypatch):
    """It fails alone, whatever it was together with."""
    monkeypatch.setattr("nnce_cli.parallel.queue.ATTEMPTS", 2)
    ordered = Ordered(monkeypatch, threads, tmp_path, 1e9, deadly=True)
    totals, troubles = ordered.count()
    assert troubles == [(ordered.deadly, "its Dask worker: no worker survives this")]
    assert (totals.waiting, totals.given_up) == (0, 1)
    first, *more = [order for order in ordered.orders if ordered.deadly in order]
    assert len(first) > 1
    assert more == [[ordered.deadly]] * 2


def test_a_run_that_a_worker_has_lost_is_brought_again(
    threads, model, local, small_tasks, tmp_path, monkeypatch
):
    monkeypatch.setattr(remote, "SECONDS_TO_WAIT", 0.2)
    lost = []

    def look(progress):
        if progress.done >= 3 and not lost:
            lost.append(remote._RUNS.popitem())

    nnce.enumerate(nnce.load(model), to=tmp_path / "cells", engine=threads, watch=look)
    assert lost
    assert (tmp_path / "cells").read_bytes() == local["cells"]


def test_another_version_is_refused(threads, model, tmp_path, monkeypatch):
    real = messages.versions()
    for other, words in (
        ({"nnce": "0.0.1"}, ("has nnce 0.0.1", "install")),
        ({"core": "x86-64-v0"}, ("x86-64-v0", "NNCE_CPU")),
    ):
        monkeypatch.setattr(remote, "versions", lambda other=other: real | other)
        with pytest.raises(nnce.InputError) as refusal:
            nnce.enumerate(nnce.load(model), to=tmp_path / "cells", engine=threads)
        assert all(word in str(refusal.value) for word in ("inproc://", *words))
        assert list(tmp_path.iterdir()) == []


def test_a_worker_without_nnce_says_so():
    """What it is sent can be opened there, and by a scheduler that has none either."""
    code = f"""
{textwrap.dedent(NO_NNCE)}
import dataclasses
import pickle
take_in, walk, forget = (pickle.loads(bytes.fromhex(text)) for text in sys.argv[1:])
assert "has no nnce" in take_in(b"", None)
assert walk(b"") is None
"""
    sent = (messages.take_in_there(), messages.walk_there(), messages.forget_there())
    texts = [cloudpickle.dumps(function).hex() for function in sent]
    subprocess.run([sys.executable, "-c", code, *texts], check=True)


def test_what_is_no_client_is_refused(threads, model, tmp_path):
    network = nnce.load(model)
    for options in ({"engine": "tcp://10.0.0.1:8786"}, {"engine": threads, "jobs": 2}):
        with pytest.raises(nnce.InputError):
            nnce.enumerate(network, to=tmp_path / "cells", **options)
    with distributed.Client(threads.scheduler.address, set_as_default=False) as closed:
        pass
    with pytest.raises(nnce.InputError, match="closed"):
        nnce.enumerate(network, to=tmp_path / "cells", engine=closed)
    assert list(tmp_path.iterdir()) == []


def test_a_way_that_leads_nowhere_is_refused(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nnce_cli.parallel.cluster.connection.SECONDS_TO_CONNECT", 0.3)
    for where, words in (
        ("tcp://127.0.0.1:1", "no Dask scheduler"),
        ("nonsense://host", "no Dask scheduler"),
        ("local:none", "local:4"),
        ("local:0", "local:4"),
    ):
        assert command(monkeypatch, model, "--dask", where) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1
    assert command(monkeypatch, model, "--dask", "local:2", "-j", "2") == 2
    assert "leave it out with --dask" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert command(monkeypatch, model, "--dask", "tcp://127.0.0.1:1") == 2
    assert "pip install distributed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# What travels


DOMAINS = {
    "box": nnce.Box(-1.0, 1.0),
    "half-spaces": nnce.HalfSpaces(np.array([[0.3, 0.1, 0.4]]), nnce.Box(-1.0, 1.0)),
    "space": nnce.Space(),
    "slice": nnce.Slice(np.array([[-1 / 3, -0.8], [1 / 3, 0.9]])),
}


@pytest.mark.parametrize("where", DOMAINS)
def test_a_plan_is_plain_data(where):
    """Rational matrices too, which domains bring in."""
    problem = Problem.of(*placed(nnce.load(HAND_MADE).stack, DOMAINS[where]))
    plan = Plan(problem, witness=False, certify=True, log=False, sink=None)
    copy = pickle.loads(pickle.dumps(plan))
    counts = []
    for walk in (plan.walk, copy.walk):
        for _ in batches(walk):
            pass
        counts.append((walk.layer_cells, walk.nodes, walk.decisions))
    assert counts[0] == counts[1]
    assert counts[0][0][-1] > 1


def delivery(files, table):
    outcome = Outcome(
        task=Task(5, 1, ()), cells=1, layer_cells=[1], nodes=1, share=1.0, decisions={},
        seconds=0.1, rows=1, first=b"", last=b"", table=table, proof=None, memory=1, tasks=[],
    )  # fmt: skip
    return Delivery(outcome, files, "")


def test_a_part_that_was_damaged_on_the_way_is_not_taken(tmp_path):
    (tmp_path / "parts").mkdir()
    whole = b"a part"
    table = Checksum.of(whole)
    for data in (b"a pars", b"", whole + b"!"):
        (found,) = landing.land(pickle.dumps([delivery((data, b""), table)]), tmp_path)
        assert isinstance(found, Failure)
        assert not found.fatal
        assert part_files(tmp_path) == []
    (found,) = landing.land(pickle.dumps([delivery((whole, b""), table)]), tmp_path)
    assert isinstance(found, Outcome)
    assert [path.read_bytes() for path in part_files(tmp_path)] == [whole]


def test_a_part_that_is_not_where_it_was_left_is_not_taken(tmp_path):
    """The place is a name among the run's parts, whatever the worker says."""
    place = tmp_path / "elsewhere"
    (tmp_path / "parts").mkdir()
    (place / "parts").mkdir(parents=True)
    (place / "parts" / "5.cells.parquet").write_bytes(b"a part")
    left = dataclasses.replace(delivery(None, Checksum.of(b"a part")), place=str(place))
    (found,) = landing.land(pickle.dumps([left]), tmp_path)
    assert isinstance(found, Failure)
    assert "is missing" in found.message


# The whole form


@pytest.mark.slow
def test_a_storm(small_tasks, tmp_path, monkeypatch):
    """Workers are killed, stopped, woken and started at random, and the scheduler dies thrice.

    First it is back in time, and the run goes on. Then it is not, and the run is resumed: on the
    cluster, where it is stopped once more, and at last by processes of this machine.
    """
    monkeypatch.setattr(crew, "SECONDS_OF_SILENCE", 2.0)
    monkeypatch.setattr(crew, "BEATS_OF_SILENCE", 3)
    monkeypatch.chdir(tmp_path)
    model = save_layers(tmp_path / "net.onnx", generic(7, 13, 13))
    assert command(monkeypatch, model, "-o", "alone", "-j", "1") == 0
    processes = Processes(tmp_path)
    storm = Storm(processes, SMALL_TASKS + SLOW_TASKS.format(seconds=0.4), seed=0)
    on_cluster = ["-o", "cells", "--dask", processes.address]

    commit = Journal.commit

    def told(journal, outcomes):
        new = commit(journal, outcomes)
        storm.done = journal.totals.done
        return new

    monkeypatch.setattr(Journal, "commit", told)

    def first_day():
        storm.rage(until=40)
        storm.kill_scheduler()
        time.sleep(2)
        storm.come_back()
        storm.rage(until=90)
        storm.kill_scheduler()

    def second_day():
        storm.rage(until=140)
        storm.kill_scheduler()

    try:
        done = []
        for day, seconds, options in ((first_day, 45.0, []), (second_day, 5.0, ["--resume"])):
            monkeypatch.setattr("nnce_cli.parallel.cluster.connection.SECONDS_TO_CONNECT", seconds)
            storm.come_back()
            storm.is_over = False
            thread = threading.Thread(target=day)
            thread.start()
            assert command(monkeypatch, model, *on_cluster, *options) == 3
            storm.is_over = True
            thread.join()
            with Journal(tmp_path / "cells.run" / "journal.sqlite", write=False) as journal:
                done.append((journal.totals.done, journal.totals.retries, journal.totals.waiting))
    finally:
        processes.end()
    assert 90 <= done[0][0] < done[1][0]
    assert command(monkeypatch, model, "-o", "cells", "-j", "2", "--resume") == 0
    print(f"(done, retries, waiting): {done}; deeds: {storm.deeds}")
    assert (tmp_path / "cells").read_bytes() == (tmp_path / "alone").read_bytes()


@pytest.mark.slow
def test_a_cluster_on_this_machine(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, model, "-o", "cells", "--dask", "local:2", "-v") == 0
    assert command(monkeypatch, model, "-o", "alone", "-j", "1") == 0
    assert (tmp_path / "cells").read_bytes() == (tmp_path / "alone").read_bytes()
