"""The examples of the page about domains work as they are printed."""

from __future__ import annotations

import re
import shutil

from tests.command import shell
from tests.test_readme import ROOT, blocks, looks_like


def test_examples(tmp_path):
    shutil.copytree(ROOT / "sample_models", tmp_path / "sample_models")
    examples = [
        example.partition("\n")
        for block in blocks("docs/domains.md", "console")
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]
    assert len(examples) > 15
    for command, _, expected in examples:
        done = shell(f"set -eo pipefail; {{ {command}; }} 2>&1", tmp_path, COLUMNS="80")
        assert looks_like(done.stdout, expected), (command, done.stdout)
