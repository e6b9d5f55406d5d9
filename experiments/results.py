"""The table of results: a JSON object a line, one for each measurement that is finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nnce_cli.base.errors import InputError
from nnce_cli.table import Output

Record = dict[str, Any]


class Results:
    """A file of records, each with a ``name`` of its own.

    The file is replaced as a whole whenever a record is added, so that a study that is killed
    leaves whole records only.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there.

        Raises:
            InputError: the file is not one of ours.
        """
        self.path = path
        self._records: dict[str, Record] = {}
        if path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                record = _record(line)
                if record is None:
                    raise InputError(f"{path}, line {number}, is no result; remove that line")
                self._records[record["name"]] = record

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def records(self) -> list[Record]:
        """Return all records, in the order in which they were added."""
        return list(self._records.values())

    def add(self, record: Record) -> None:
        """Add a record and write the file."""
        self._records[record["name"]] = record
        self.write(self.path, list(self._records))

    def write(self, path: Path, names: list[str]) -> None:
        """Write some of the records to a file, in this order.

        Raises:
            InputError: the file cannot be written.
        """
        lines = (json.dumps(self._records[name], allow_nan=False) + "\n" for name in names)
        with Output(str(path), force=True) as output:
            output.write("".join(lines).encode())
            output.commit()


def _record(line: str) -> Record | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("name"), str) else None
