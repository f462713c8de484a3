"""exec, sh, run: somebody else's command line inside ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.unit.cli.double import PAIR, Cli, World

STATUS = 7  # what the double's exec_in answers


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        (("-l", "pair", "a", "--", "sh", "-c", "ip a; false"), ["sh", "-c", "ip a; false"]),
        (("a", "-l", "pair", "--", "ping", "-c", "1", "b"), ["ping", "-c", "1", "b"]),
        (("a", "--", "ls", "-l", "/"), ["ls", "-l", "/"]),
        (("a", "ping", "-c", "1", "b"), ["ping", "-c", "1", "b"]),
        (("a", "git", "log", "-p", "--", "file"), ["git", "log", "-p", "--", "file"]),
        (("a", "--", "rm", "--", "-x"), ["rm", "--", "-x"]),
        (("a", "--", "tool", "-o", "json", "-h", "--help"), ["tool", "-o", "json", "-h", "--help"]),
    ],
)
def test_exec_leaves_the_command_alone(cli: Cli, world: World, words: tuple[str, ...], argv: list[str]) -> None:
    """What follows our own arguments is passed on word for word, and the exit status comes back."""
    world.start(PAIR)
    assert (STATUS, [("pair", "a", argv)]) == (cli("exec", *words).status, world.executed)


@pytest.mark.parametrize("words", [("a",), ("a", "--")])
def test_exec_without_a_command_points_to_sh(cli: Cli, world: World, words: tuple[str, ...]) -> None:
    """No command is a mistake with a hint."""
    world.start(PAIR)
    ran = cli("exec", *words)
    assert (2, True) == (ran.status, "vethlab sh a" in ran.err)


def test_sh_runs_the_users_shell(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """$SHELL is the shell; its exit status is ours."""
    monkeypatch.setenv("SHELL", "/bin/zsh")
    world.start(PAIR)
    assert (STATUS, [("pair", "b", ["/bin/zsh"])]) == (cli("sh", "b").status, world.executed)


@pytest.mark.parametrize(("shell", "name"), [("/bin/bash", "PROMPT_COMMAND"), ("/bin/sh", "PS1")])
def test_sh_says_in_the_prompt_where_it_is(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch, shell: str, name: str) -> None:
    """The prompt names lab and node, and the environment tells `vethlab` inside which lab is meant."""
    monkeypatch.setenv("SHELL", shell)
    world.start(PAIR)
    cli("sh", "b")
    inside = world.environment
    assert ("pair", "b", True) == (inside["VETHLAB_LAB"], inside["VETHLAB_NODE"], "(pair:b)" in inside[name])


def test_run_brings_up_runs_and_takes_down(cli: Cli, world: World) -> None:
    """The command sees VETHLAB_LAB, its status passes through, the lab is gone afterwards."""
    Path("p.lab.yaml").write_text(PAIR)
    seen: list[str] = []
    world.prepare = lambda lab: setattr(lab, "calls", seen)
    code = "import os, sys; open('seen', 'w').write(os.environ['VETHLAB_LAB']); sys.exit(9)"
    assert (9, {}) == (cli("run", "p.lab.yaml", "--", sys.executable, "-c", code).status, world.up)
    assert ("pair", ["up detach=True names=False", "down wait=False"]) == (Path("seen").read_text(), seen)


def test_run_leaves_a_running_lab_alone(cli: Cli, world: World) -> None:
    """A lab that runs already is not `run`'s to take down."""
    Path("p.lab.yaml").write_text(PAIR)
    world.start(PAIR)
    ran = cli("run", "--", "true")
    assert (2, ["pair"], True) == (ran.status, list(world.up), "error[lab-exists]" in ran.err)


def test_run_takes_the_only_file(cli: Cli, world: World) -> None:
    """Without FILE the directory's lab file is meant."""
    Path("p.lab.yaml").write_text(PAIR)
    assert (0, {}) == (cli("run", "--", "true").status, world.up)


def test_run_tells_a_signal_as_a_shell_does(cli: Cli, world: World) -> None:
    """A command that a signal ended is 128 and the signal's number."""
    del world
    Path("p.lab.yaml").write_text(PAIR)
    assert 128 + 9 == cli("run", "--", "sh", "-c", "kill -9 $$").status


def test_run_of_no_such_command_is_a_clear_error(cli: Cli, world: World) -> None:
    """A command that does not exist is said before anything is built."""
    Path("p.lab.yaml").write_text(PAIR)
    ran = cli("run", "--", "no-such-command-here")
    assert (2, {}, True) == (ran.status, world.up, "no such command: no-such-command-here" in ran.err)


def test_run_of_a_file_that_is_no_program_takes_the_lab_down(cli: Cli, world: World) -> None:
    """What the kernel refuses to run is a clear error, and the lab is gone."""
    Path("p.lab.yaml").write_text(PAIR)
    Path("prog").write_bytes(b"\x7fELF nothing")
    Path("prog").chmod(0o755)
    ran = cli("run", "--", "./prog")
    assert (2, {}, True) == (ran.status, world.up, "cannot run ./prog: Exec format error" in ran.err)


@pytest.mark.parametrize("words", [(), ("p.lab.yaml",), ("--",)])
def test_run_without_a_command_touches_nothing(cli: Cli, world: World, words: tuple[str, ...]) -> None:
    """No command: nothing is brought up."""
    Path("p.lab.yaml").write_text(PAIR)
    assert (2, {}) == (cli("run", *words).status, world.up)


def test_the_environment_names_the_lab(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """VETHLAB_LAB stands for -l, so that commands inside `run` and `sh` reach their lab."""
    world.start(PAIR)
    world.start(PAIR.replace("pair", "other"))
    monkeypatch.setitem(os.environ, "VETHLAB_LAB", "other")
    cli("exec", "a", "--", "true")
    assert [("other", "a", ["true"])] == world.executed
