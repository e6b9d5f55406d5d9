"""What is wrong with a command line, in plain words.

The library says it in its own; which parameter it is about, and what may stand there, it tells as
values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

NEAR = 0.75  # how alike a suggestion has to be
_VALUE = re.compile(r"('.*?'|[^\s']+) is not ", re.DOTALL)
_COMMAND = re.compile(r"No such command '(.*?)'", re.DOTALL)
_EXTRA = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", re.DOTALL)
_NO_VALUE = re.compile(r"Option '(.*?)' requires an argument", re.DOTALL)


def usage_message(error: Any, commands: Iterable[str]) -> str:
    """Return what an error of usage says, and where to read on."""
    context = getattr(error, "ctx", None)
    command = "nnce" if context is None else context.command_path
    words = _words(error, context, commands).rstrip(".")
    return f"{words}; see {command} --help"


def near(word: str, words: Iterable[str]) -> str:
    """Return a question for the words that are like another one; empty where none is."""
    found = get_close_matches(word, list(words), n=2, cutoff=NEAR)
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def _words(error: Any, context: Any, commands: Iterable[str]) -> str:
    said: str = error.format_message()
    if hasattr(error, "option_name") and hasattr(error, "possibilities"):
        options = () if context is None else _options_of(context)
        return f"there is no option {error.option_name}{near(error.option_name, options)}"
    if match := _COMMAND.match(said):
        return f"there is no command {match[1]!r}{near(match[1], commands)}"
    if match := _EXTRA.match(said):
        return f"what are these for: {match[1]}? They are too many"
    if match := _NO_VALUE.match(said):
        return f"{match[1]} needs a value"
    if said.startswith("Missing command"):
        return "say what to do: nnce COMMAND"
    parameter = getattr(error, "param", None)
    if parameter is None:
        return said
    name = _name(parameter)
    if hasattr(error, "param_type"):
        return f"{name} is missing"
    value = _VALUE.match(str(error.message))
    return f"{name}: {_wanted(parameter.type, value[1] if value else '', str(error.message))}"


def _options_of(context: Any) -> list[str]:
    every = (option for p in context.command.get_params(context) for option in p.opts)
    return [option for option in every if option.startswith("--")]


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name)
    return str(max(parameter.opts, key=len))


def _wanted(kind: Any, value: str, said: str) -> str:
    """Say what may stand in a place of this type, and does not."""
    if not value:
        return said
    if hasattr(kind, "choices"):
        choices = [str(getattr(choice, "value", choice)) for choice in kind.choices]
        several = f"{', '.join(choices[:-1])} or {choices[-1]}"
        return f"{value} is none of its values, which are {several}{near(value[1:-1], choices)}"
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if kind.name in ("integer", "integer range", "int", "int range"):
        most = "" if high is None else f" and {high} at most"
        least = "" if low is None else f" of {low} at least{most}"
        return f"{value} is not a whole number{least}"
    return f"{value} is not a number" if kind.name.startswith("float") else said
