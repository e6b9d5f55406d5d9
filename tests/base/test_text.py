"""Text from files on a terminal, and commands that hold it."""

from __future__ import annotations

import subprocess

import pytest

from nnce_cli.base.text import message_line, shell_command, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("layer_1/MatMul (Gemm)", "layer_1/MatMul (Gemm)"),
        ("Schicht über α → β 層", "Schicht über α → β 層"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("one\ntwo\r\tthree", r"one\ntwo\r\tthree"),
        ("abc\u202etxt.exe", r"abc\u202etxt.exe"),
        ("\u2066a\u2069\u200b\ufeff", r"\u2066a\u2069\u200b\ufeff"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("caf\udce9", r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("\u2028\u2029\xa0", r"\u2028\u2029\xa0"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_visible(text, shown):
    assert visible(text) == shown
    assert shown.isprintable()
    shown.encode()


def test_every_character_is_shown_on_one_line_and_can_be_encoded():
    for code in range(0x110000):
        text = visible(chr(code))
        assert text.isprintable()
        assert text.encode()


def test_a_message_of_several_lines():
    assert message_line("a\n  b\x1bc\n") == r"a b\x1bc"


def test_commands_can_be_printed_and_give_the_same_words(tmp_path):
    words = ["plain", "two words", "it's", "-", "a\nb\\", "\x1b[31m", "\u202ex", "caf\udce9", "é\t"]
    command = shell_command(words)
    assert command.isprintable()
    printed = subprocess.run(
        ["bash", "-c", rf"printf '%s\0' {command}"], capture_output=True, check=True
    ).stdout
    assert printed.decode(errors="surrogateescape").split("\0")[:-1] == words
