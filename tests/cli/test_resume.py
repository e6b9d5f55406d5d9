"""Killed, interrupted, limited, out of luck: a run goes on and ends with the same bytes."""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import sqlite3
import subprocess
import time

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.command import assert_refused, environment, four_lines, large_network, nnce, shell
from tests.faults import run_forked
from tests.runs import (
    generic,
    heavy_cell,
    kill_group,
    one_first_cell,
    part_files,
    save_layers,
    start,
    wait_until,
    workers_of,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "medium": save_layers(folder / "medium.onnx", generic(5, 20, 20)),
        "small": save_layers(folder / "small.onnx", generic(3, 14, 14)),
        "proved": save_layers(folder / "proved.onnx", generic(3, 9, 9)),
        "heavy": save_layers(folder / "heavy.onnx", heavy_cell(5, 20)),
        "single": save_layers(folder / "single.onnx", one_first_cell(5, 20)),
        "large": large_network(folder / "large.onnx"),
        "lines": four_lines(folder / "lines.onnx"),
    }


@pytest.fixture(scope="module")
def undisturbed(models, tmp_path_factory):
    """The bytes of the tables of runs with one worker."""
    folder, tables = tmp_path_factory.mktemp("undisturbed"), {}
    for name in ("medium", "small", "heavy", "single"):
        result = nnce("enumerate", models[name], "-o", name, "-j", "1", "-q", cwd=folder)
        assert result.returncode == 0, result
        tables[name] = (folder / name).read_bytes()
    return tables


@pytest.mark.parametrize(
    "name",
    ["medium", "heavy", *(pytest.param(n, marks=pytest.mark.slow) for n in ("small", "single"))],
)
def test_the_same_bytes_for_any_number_of_workers(models, undisturbed, tmp_path, name):
    for jobs in ("2", "7"):
        process = start(models[name], "-o", "t", "-j", jobs, "--force", cwd=tmp_path)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert (tmp_path / "t").read_bytes() == undisturbed[name]
        assert os.listdir(tmp_path) == ["t"]


def test_certificates_are_the_same_and_hold(models, tmp_path):
    model = models["proved"]
    for jobs in ("1", "3"):
        arguments = ("-o", f"t{jobs}", "--proof", f"p{jobs}", "-j", jobs, "-q")
        assert nnce("enumerate", model, *arguments, cwd=tmp_path).returncode == 0
    assert (tmp_path / "p1").read_bytes() == (tmp_path / "p3").read_bytes()
    assert (tmp_path / "t1").read_bytes() == (tmp_path / "t3").read_bytes()
    result = nnce("verify", "t3", model, "--proof", "p3", "--json", cwd=tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["proved"] is True


def test_killed_and_resumed_again_and_again(models, undisturbed, tmp_path):
    generator, kills = random.Random(1), 0
    more = []
    while not (tmp_path / "t").exists():
        process = start(models["medium"], "-o", "t", "-j", "2", *more, cwd=tmp_path)
        before = len(part_files(tmp_path / "t.run"))
        try:
            wait_until(lambda seen=before: len(part_files(tmp_path / "t.run")) > seen, process)
            time.sleep(generator.uniform(0, 0.1))
        except AssertionError:
            if process.returncode != 0:
                raise
        if process.poll() is None and kills < 12:
            kill_group(process)
            kills += 1
        else:
            _, errors = process.communicate()
            assert process.returncode == 0, errors
        more = ["--resume"]
    assert kills >= 2
    assert (tmp_path / "t").read_bytes() == undisturbed["medium"]


def test_workers_killed_from_outside(models, undisturbed, tmp_path):
    process = start(models["medium"], "-o", "t", "-j", "3", cwd=tmp_path)
    generator, killed = random.Random(2), 0
    while process.poll() is None and killed < 30:
        for worker in workers_of(process)[: generator.randrange(3)]:
            try:
                os.kill(worker, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(generator.uniform(0, 0.2))
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert killed > 3
    assert (tmp_path / "t").read_bytes() == undisturbed["medium"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_all", [True, False])
def test_signals_stop_within_two_seconds(models, undisturbed, tmp_path, number, to_all):
    process = start(models["medium"], "-o", "t", "-j", "2", cwd=tmp_path)
    wait_until(lambda: part_files(tmp_path / "t.run"), process)
    sent = time.monotonic()
    if to_all:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    took = time.monotonic() - sent
    assert process.returncode == 3
    assert took < 2 * slowness(), took
    assert "Traceback" not in errors
    assert not (tmp_path / "t").exists()
    command = errors.rstrip().splitlines()[-1].partition("go on with: ")[2]
    assert shlex.split(command)[:2] == ["nnce", "enumerate"]
    result = shell(command, tmp_path)
    assert result.returncode == 0, result
    assert (tmp_path / "t").read_bytes() == undisturbed["medium"]
    assert os.listdir(tmp_path) == ["t"]


def slowness():
    """How much longer than usual things take on this machine now."""
    started = time.monotonic()
    sum(range(10_000_000))
    return max(1.0, (time.monotonic() - started) / 0.3)


def test_limits_leave_a_table_and_can_be_resumed(models, undisturbed, tmp_path):
    limited = ("-o", "t", "--max-cells", "3000", "--json")
    result = nnce("enumerate", models["medium"], *limited, cwd=tmp_path)
    assert result.returncode == 3
    summary = json.loads(result.stdout)
    assert (summary["cells"], summary["complete"]) == (3000, False)
    assert "--max-cells" not in summary["resume"]
    (tmp_path / "whole").write_bytes(undisturbed["medium"])
    first = pq.read_table(tmp_path / "t").replace_schema_metadata(None)
    whole = pq.read_table(tmp_path / "whole").replace_schema_metadata(None)
    assert first.equals(whole.slice(0, 3000))
    assert nnce("stats", "t", cwd=tmp_path).returncode == 0
    assert shell(summary["resume"], tmp_path).returncode == 0
    assert (tmp_path / "t").read_bytes() == undisturbed["medium"]


def test_counts_are_resumed_from_the_journal_alone(models, tmp_path):
    whole = nnce("enumerate", models["medium"], "--count-only", "-q", cwd=tmp_path)
    limits, printed = 0, None
    command = ("enumerate", models["medium"], "--count-only", "-q", "-j", "2")
    result = nnce(*command, "--time-limit", "0.05", cwd=tmp_path)
    while result.returncode == 3:
        limits += 1
        assert not part_files(tmp_path / "medium.count.run")
        result = nnce(*command, "--time-limit", "0.05", "--resume", cwd=tmp_path)
    printed = result.stdout
    assert result.returncode == 0
    assert limits >= 1
    assert printed == whole.stdout
    assert os.listdir(tmp_path) == []


def test_another_run_is_refused(models, tmp_path):
    stopped = nnce("enumerate", models["large"], "-o", "t", "--time-limit", "1", cwd=tmp_path)
    assert stopped.returncode == 3
    os.unlink(tmp_path / "t")

    def refused(*arguments, words):
        assert_refused(nnce("enumerate", *arguments, "-o", "t", cwd=tmp_path), *words)

    refused(models["large"], words=["t.run", "--resume", "--force"])
    refused(models["lines"], "--resume", words=["another model"])
    refused(models["large"], "--resume", "--box", "0,1", words=["another domain"])
    refused(models["large"], "--resume", "--no-witness", words=["--witness"])
    refused(models["large"], "--resume", "--no-certify", words=["--no-certify"])
    refused(models["large"], "--resume", "--proof", "p", words=["--proof"])
    refused(models["large"], "--resume", "--force", words=["--force", "--resume"])
    again = nnce("enumerate", models["lines"], "-o", "t", "--force", "-q", cwd=tmp_path)
    assert again.returncode == 0
    assert os.listdir(tmp_path) == ["t"]


def test_a_run_is_locked_while_its_process_lives(models, tmp_path):
    process = start(models["large"], "-o", "t", cwd=tmp_path)
    wait_until(lambda: part_files(tmp_path / "t.run"), process)
    second = nnce("enumerate", models["large"], "-o", "t", "--resume", cwd=tmp_path)
    assert_refused(second, f"in use by process {process.pid}")
    live = nnce("runs", "t.run", "--json", cwd=tmp_path)
    kill_group(process)
    dead = nnce("runs", ".", "--json", cwd=tmp_path)
    (alive,), (stopped,) = (json.loads(r.stdout)["runs"] for r in (live, dead))
    assert (alive["alive"], alive["process"]) == (True, process.pid)
    assert stopped["alive"] is False
    assert stopped["cells"] >= alive["cells"] > 0
    assert stopped["tasks_waiting"] > 0
    assert 0 < stopped["share"] < 1
    shown = nnce("runs", ".", cwd=tmp_path)
    assert shown.returncode == 0
    assert "stopped" in shown.stdout
    assert "--resume" in shown.stdout


def test_runs_where_there_are_none(models, tmp_path):
    assert_refused(nnce("runs", "absent", cwd=tmp_path), "absent")
    (tmp_path / "x.run").mkdir()
    assert_refused(nnce("runs", "x.run", cwd=tmp_path), "no journal")
    assert nnce("runs", ".", cwd=tmp_path).stdout == "no unfinished runs in .\n"


def test_a_finished_run_needs_no_resuming(models, tmp_path):
    command = ("enumerate", models["lines"], "-o", "t", "--resume", "--json", "-q")
    first, second = nnce(*command, cwd=tmp_path), nnce(*command, cwd=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0)
    assert json.loads(second.stdout)["cells"] == 11
    other = nnce("enumerate", models["small"], "-o", "t", "--resume", cwd=tmp_path)
    assert_refused(other, "exists already")


def test_where_the_run_goes(models, tmp_path):
    (tmp_path / "runs").mkdir()
    command = ("enumerate", models["large"], "-o", "t", "--run-dir", "runs/r", "--time-limit", "1")
    assert nnce(*command, "-q", cwd=tmp_path).returncode == 3
    assert sorted(os.listdir(tmp_path / "runs" / "r")) >= ["journal.sqlite"]
    assert_refused(nnce(*command, "--run-dir", "no/such", "-o", "u", cwd=tmp_path), "no/such")
    piped = shell(f"nnce enumerate {models['lines']} -o - -q | cat > t2", tmp_path)
    assert piped.returncode == 0
    assert pq.read_metadata(tmp_path / "t2").num_rows == 11


@pytest.mark.parametrize("name", [pytest.param("h.csv", marks=pytest.mark.slow), "h.parquet"])
def test_load_history(models, tmp_path, name):
    read = pyarrow.csv.read_csv if name.endswith("csv") else pq.read_table
    options = ("-j", "2", "--load-history", name, "--count-only", "-q")
    limited = nnce("enumerate", models["large"], *options, "--time-limit", "2", cwd=tmp_path)
    assert limited.returncode == 3
    history = read(tmp_path / name).to_pydict()
    assert history["seconds"] == sorted(history["seconds"])
    assert max(history["workers_busy"]) == 2
    assert history["cells"] == sorted(history["cells"])
    assert nnce("enumerate", models["medium"], *options, "--force", cwd=tmp_path).returncode == 0
    assert read(tmp_path / name).to_pydict()["tasks_waiting"][-1] == 0


def test_lines_without_a_terminal(models, tmp_path):
    script = (
        "import sys; from nnce_cli.cli import main, progress; "
        "progress.SECONDS_BETWEEN_LINES = 0.2; "
        "sys.argv = ['nnce', 'enumerate', sys.argv[1], '-o', 't', '-v', '-j', '2']; main()"
    )
    result = subprocess.run(
        [os.sys.executable, "-c", script, models["medium"]],
        capture_output=True, text=True, cwd=tmp_path, env=environment(), check=True,
    )  # fmt: skip
    lines = result.stderr.splitlines()
    states = [line for line in lines if "% done, " in line and "cells/s" in line]
    assert states
    assert any(line.startswith("nnce:   tasks: ") for line in lines)
    assert " 0 cells/s" not in states[-1]
    assert any(line.startswith("nnce:   worker ") for line in lines)


def test_limits_after_the_end_of_the_tree(models, tmp_path):
    """A small tree is walked by one task; then a limit cuts the table, and not the run."""
    command = ("enumerate", models["lines"], "-o", "t", "--json", "-q")
    for more in (("--max-cells", "3"), ("--max-cells", "5", "--resume")):
        result = nnce(*command, *more, cwd=tmp_path)
        assert result.returncode == 3, result
        assert json.loads(result.stdout)["cells"] == int(more[1])
    result = nnce(*command, "--resume", cwd=tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["cells"] == 11


def test_files_that_are_not_ours_are_not_overwritten(models, tmp_path):
    command = ("enumerate", models["lines"], "-o", "t", "--proof", "p", "-q")
    assert nnce(*command, "--max-cells", "3", cwd=tmp_path).returncode == 3
    assert_refused(nnce(*command, cwd=tmp_path), "unfinished run", "--resume")
    (tmp_path / "p").write_text("precious")
    assert_refused(nnce(*command, "--resume", cwd=tmp_path), "p exists already")
    assert (tmp_path / "p").read_text() == "precious"
    (tmp_path / "p").unlink()
    assert nnce(*command, "--resume", cwd=tmp_path).returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["p", "t"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("-o", "r/t", "--run-dir", "r"), "inside the run folder"),
        (("-o", "t", "--run-dir", "."), "inside the run folder"),
        (("-o", "t", "--load-history", "t"), "different files"),
        (("-o", "t", "--load-history", "-"), "--load-history"),
        (("-o", "t", "--proof", "m.onnx", "--force"), "also an input"),
    ],
)
def test_files_that_would_destroy_each_other(models, tmp_path, options, word):
    (tmp_path / "m.onnx").write_bytes(models["lines"].read_bytes())
    (tmp_path / "r").mkdir()
    assert_refused(nnce("enumerate", "m.onnx", *options, cwd=tmp_path), word)
    assert sorted(os.listdir(tmp_path)) == ["m.onnx", "r"]


def test_only_what_is_ours_is_removed_from_the_run_folder(models, tmp_path):
    (tmp_path / "r").mkdir()
    command = ("enumerate", models["lines"], "-o", "t", "--run-dir", "r", "-q")
    assert nnce(*command, "--max-cells", "3", cwd=tmp_path).returncode == 3
    (tmp_path / "r" / "precious").touch()
    assert nnce(*command, "--resume", cwd=tmp_path).returncode == 0
    assert os.listdir(tmp_path / "r") == ["precious"]


def test_a_history_goes_on_with_the_run(models, tmp_path):
    command = f"nnce enumerate {models['lines']} -o t -q --load-history h.csv"
    assert shell(f"{command} --max-cells 3", tmp_path).returncode == 3
    assert shell(f"{command} --resume", tmp_path).returncode == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE tasks SET roots = x'00'",
        "UPDATE tasks SET generation = generation + 1 WHERE number = 2",
        "DELETE FROM tasks WHERE number = 3",
        "DELETE FROM about WHERE name = 'seal'",
        "UPDATE about SET value = '{}' WHERE name = 'about'",
        *(
            pytest.param(damage, marks=pytest.mark.slow)
            for damage in (
                "UPDATE tasks SET generation = 'many' WHERE number = 2",
                "UPDATE tasks SET state = 1",
                "UPDATE tasks SET signs = 'text'",
                "UPDATE tasks SET cells = cells + 1",
                "DELETE FROM tasks",
                "INSERT INTO tasks SELECT NULL, parent, generation, signs, length, roots, state, "
                "attempts, trouble, nodes, cells, seconds, finished, row_count, first_row, "
                "last_row, part_bytes, part_digest, proof_bytes, proof_digest FROM tasks "
                "WHERE number = 2",
                "DROP INDEX places",
                "CREATE TRIGGER more AFTER UPDATE ON tasks BEGIN DELETE FROM about; END",
                "UPDATE about SET value = x'7b7d'",
                "UPDATE about SET value = replace(value, '1', '2')",
                "UPDATE about SET value = '[[' WHERE name = 'totals'",
                "UPDATE about SET value = replace(value, '\"waiting\": ', '\"waiting\": -')",
                "UPDATE about SET value = replace(value, '[', '[\"x\", ')",
            )
        ),
    ],
)
def test_a_damaged_journal_is_bad_input(models, tmp_path, damage):
    command = ("enumerate", models["large"], "-q", "--time-limit", "0.5", "--count-only")
    assert nnce(*command, cwd=tmp_path).returncode == 3
    with sqlite3.connect(tmp_path / "large.count.run" / "journal.sqlite") as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(damage)
    database.close()
    assert_refused(nnce(*command, "--resume", cwd=tmp_path), "start again with --force")
    shown = nnce("runs", "large.count.run", cwd=tmp_path)
    assert shown.returncode in (0, 2), shown  # from outside one does not look at all tasks


def test_no_room_for_processes(models, tmp_path):
    script = f"ulimit -n 30; nnce enumerate {models['small']} -o t -q -j 40"
    result = shell(script, tmp_path)
    assert result.returncode == 0, result


@pytest.mark.parametrize("name", ["lines", pytest.param("small", marks=pytest.mark.slow)])
def test_every_write_sync_rename_and_commit_fails_once(models, tmp_path, name):
    """A clear error each time, a run that can be resumed, and the same bytes at the end."""
    command = ["enumerate", str(models[name]), "-o", "t", "-j", "2", "-q"]
    (tmp_path / "whole").mkdir()
    code, errors, operations = run_forked(command, tmp_path / "whole")
    assert (code, errors) == (0, "")
    whole = (tmp_path / "whole" / "t").read_bytes()
    assert operations > 20
    struck = stopped = 0
    for fault in range(1, operations + 1):
        folder = tmp_path / str(fault)
        folder.mkdir()
        code, errors, seen = run_forked(command, folder, fault)
        if seen < fault:
            continue  # the order of two workers' operations is not always the same
        struck += 1
        if code == 0:  # the table was in place: only the removal of the run folder was struck
            assert (folder / "t").read_bytes() == whole
            assert os.listdir(folder) == ["t"]
            continue
        assert code == 2, (fault, errors)
        assert errors.startswith("nnce: error: "), (fault, errors)
        assert "Traceback" not in errors
        assert run_forked([*command, "--resume"], folder)[:2] == (0, ""), (fault, errors)
        assert (folder / "t").read_bytes() == whole, fault
        assert os.listdir(folder) == ["t"]
        stopped += 1
    assert struck > operations - 5
    assert stopped >= struck - 1


def test_a_run_that_began_on_a_full_disk(models, tmp_path):
    """On a file system of some kilobytes; when there is room, the same command does its work."""
    (tmp_path / "full").mkdir()
    command = f"nnce enumerate {models['lines']} -o t -q --run-dir full/r"
    script = f"""
        set -e
        mount -t tmpfs -o size=16k none full
        for size in 32 72 80 88 100; do
            mount -o remount,size=${{size}}k full
            code=0; {command} 2> errors || code=$?
            mount -o remount,size=9m full
            if [ $code != 0 ]; then
                grep -q "^nnce: error: cannot" errors
                if [ -e full/r/journal.sqlite ]; then more=--resume; else more=; fi
                {command} $more 2> errors || {{ cat errors; exit 1; }}
            fi
            [ $(ls -A full | wc -l) = 0 ]
            mv t table.$size
            echo $code
        done
    """
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not make file systems")
    result = subprocess.run(
        ["unshare", "-rm", "bash", "-c", script],
        check=False, cwd=tmp_path, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result
    codes = result.stdout.split()
    assert set(codes) == {"0", "2"}
    assert len({path.read_bytes() for path in tmp_path.glob("table.*")}) == 1


def test_a_finished_table_that_was_damaged_is_not_called_complete(models, tmp_path):
    command = ("enumerate", models["lines"], "-o", "t", "-q")
    assert nnce(*command, cwd=tmp_path).returncode == 0
    assert nnce(*command, "--resume", cwd=tmp_path).returncode == 0
    assert_refused(nnce(*command, "--resume", "--proof", "p", cwd=tmp_path), "exists already")
    content = bytearray((tmp_path / "t").read_bytes())
    content[100] ^= 1
    (tmp_path / "t").write_bytes(content)
    assert_refused(nnce(*command, "--resume", cwd=tmp_path), "t is damaged")
