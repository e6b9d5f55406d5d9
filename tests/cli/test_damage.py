"""Damage to what an interrupted run has left: the same bytes, or a refusal; never another table."""

from __future__ import annotations

import os
import random
import shutil

import pytest

from nnce_cli.cli.exit_codes import BAD_INPUT, DONE
from nnce_cli.parallel import RunFolder
from tests.command import four_lines, nnce_inside
from tests.damage import damages, files_of
from tests.faults import run_forked
from tests.runs import generic, part_files, save_layers

OPTIONS = ["-o", "t", "--proof", "p", "-j", "1", "-q"]
STAGES = 4  # of a run at which it is killed


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A model of some tasks, and the outputs of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    model = save_layers(folder / "m.onnx", generic(3, 10, 10))
    command = ["enumerate", str(model), *OPTIONS]
    code, errors, operations = run_forked(command, folder)
    assert (code, errors) == (DONE, "")
    outputs = {name: (folder / name).read_bytes() for name in ("t", "p")}
    return model, outputs, operations


@pytest.fixture(scope="module")
def interrupted(whole, tmp_path_factory):
    """Folders in which runs were killed: at once, in their middle, and just before their end."""
    model, _, operations = whole
    folders = []
    for stage in range(1, STAGES + 1):
        folder = tmp_path_factory.mktemp(f"stage{stage}")
        fault = operations * stage // STAGES - 1
        code, _, _ = run_forked(["enumerate", str(model), *OPTIONS], folder, fault, deadly=True)
        assert code < 0
        folders.append(folder)
    assert {bool(part_files(folder / "t.run")) for folder in folders} == {True}
    return folders


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """Wait for no disk: the power does not fail here."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def check(whole, before, after, damage, name) -> bool:
    """Damage a copy of an interrupted run and go on with it; tell whether it came to its end."""
    model, outputs, _ = whole
    shutil.rmtree(after, ignore_errors=True)
    shutil.copytree(before, after)
    damage(after / "t.run")
    result = nnce_inside("enumerate", model, *OPTIONS, "--resume", cwd=after)
    code, errors = result.returncode, result.stderr
    assert code in (DONE, BAD_INPUT), (name, code, errors)
    assert "Traceback" not in errors
    if code == DONE:
        for line in errors.splitlines():
            assert line.endswith("is done again"), (name, errors)
        assert sorted(os.listdir(after)) == ["p", "t"], name
        for output, content in outputs.items():
            assert (after / output).read_bytes() == content, name
    else:
        assert errors.startswith("nnce: error: "), (name, errors)
        assert errors.count("\n") == errors.count("is done again") + 1, (name, errors)
        for output in set(outputs) & set(os.listdir(after)):
            assert (after / output).read_bytes() == outputs[output], name
    return code == DONE


def test_damage_to_an_interrupted_run(whole, interrupted, tmp_path):
    generator, ended = random.Random(1), []
    for before in interrupted:
        found = list(damages(before / "t.run", flips=2, cuts=1, generator=generator))
        for name, damage in generator.sample(found, 6):
            ended.append(check(whole, before, tmp_path / "after", damage, name))
    assert len(ended) / 2 < sum(ended) < len(ended)


@pytest.mark.slow
@pytest.mark.parametrize("stage", range(STAGES))
def test_all_damage_to_an_interrupted_run(whole, interrupted, tmp_path, stage):
    """Every file is flipped, cut, removed, and swapped with every other."""
    before, ended = interrupted[stage], []
    for name, damage in damages(before / "t.run", 10, 3, random.Random(stage)):
        ended.append(check(whole, before, tmp_path / "after", damage, name))
    print(f"\n{len(ended)} tries: {sum(ended)} ended with the same bytes, the others were refused")
    assert len(ended) / 2 < sum(ended) < len(ended)


@pytest.mark.parametrize("kind", ["cells", "proof"])
def test_a_damaged_part_is_done_again(whole, interrupted, tmp_path, kind):
    """Each byte of a part is looked at: in 649 of 955 cases another table came of a flip."""
    before = interrupted[-1]
    (part, *_) = (f for f in files_of(before / "t.run") if f.name.endswith(f"{kind}.parquet"))
    size = (before / "t.run" / part).stat().st_size
    for place in random.Random(3).sample(range(size), 4):

        def flip(run, place=place):
            content = bytearray((run / part).read_bytes())
            content[place] ^= 4
            (run / part).write_bytes(content)

        shutil.rmtree(tmp_path / "after", ignore_errors=True)
        shutil.copytree(before, tmp_path / "after")
        flip(tmp_path / "after" / "t.run")
        result = nnce_inside("enumerate", whole[0], *OPTIONS, "--resume", cwd=tmp_path / "after")
        assert result.returncode == DONE
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"nnce: t.run/{part} is damaged")
        assert line.endswith(f"task {part.name.split('.')[0]} is done again")
        assert (tmp_path / "after" / "t").read_bytes() == whole[1]["t"]


@pytest.fixture(scope="module")
def almost_done(whole, tmp_path_factory):
    """The folder of a run that was killed when its table was whole and had no name yet."""
    model, _, operations = whole
    for fault in range(operations, 0, -1):
        folder = tmp_path_factory.mktemp("almost")
        run_forked(["enumerate", str(model), *OPTIONS], folder, fault, deadly=True)
        if any(name.startswith(".nnce-") for name in os.listdir(folder)):
            return folder
    raise AssertionError("no temporary file is left")


@pytest.mark.parametrize("more", [["--resume"], ["--force"]])
@pytest.mark.parametrize("lost", ["journal.sqlite", "journal.sqlite-wal", "lock"])
def test_a_lost_journal_leaves_no_temporary_file(whole, almost_done, tmp_path, lost, more):
    """Its name is written down nowhere; a file of another run, in another folder, stays."""
    shutil.copytree(almost_done, tmp_path / "after")
    after = tmp_path / "after"  # the folder may have moved, too
    (after / "p").unlink()  # which was in its place already
    (temporary,) = (name for name in os.listdir(after) if name.startswith(".nnce-"))
    other = RunFolder(after / "other.run", None, None).temporary_name("table", after)
    assert temporary != other
    (after / other).touch()
    (after / "t.run" / lost).unlink()
    assert nnce_inside("enumerate", whole[0], *OPTIONS, *more, cwd=after).returncode == DONE
    assert sorted(os.listdir(after)) == sorted([other, "p", "t"])


def test_lost_parts_are_found_again_for_a_limited_table(tmp_path):
    """With --max-cells too, and where rows are only counted."""
    model = four_lines(tmp_path / "m.onnx")
    for options in (["-o", "t"], ["--count-only"]):
        folder = tmp_path / options[0].strip("-")
        folder.mkdir()
        command = ["enumerate", str(model), *options, "-q", "--max-cells"]
        assert nnce_inside(*command, "3", cwd=folder).returncode == 3
        (run,) = folder.glob("*.run")
        for part in part_files(run):
            part.unlink()
        result = nnce_inside(*command, "5", "--resume", cwd=folder)
        assert result.returncode == 3
        assert result.stderr.count("is missing; task 1 is done again") == 1
