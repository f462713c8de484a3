"""The program as a whole: help, versions, mistakes on the command line, exit codes, pipes, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.cli.double import PAIR, Cli, Ran, World

from vethlab import __version__
from vethlab.errors import BuildError, HostError, KernelError
from vethlab.present.cli import catalogue
from vethlab.present.cli.catalogue import COMMANDS, LATER


def test_version_is_one_line(cli: Cli) -> None:
    """`vethlab version` prints the version and nothing else."""
    assert Ran(0, f"vethlab {__version__}\n", "") == cli("version")


def test_version_in_json(cli: Cli) -> None:
    """The version is also a document, which names the kernel."""
    assert {"schema": "vethlab.version/1", "version": __version__, "python": sys.version.split()[0], "kernel": os.uname().release} == cli(
        "version", "-o", "json",
    ).json()


def test_help_lists_each_command_and_none_that_comes_later(cli: Cli) -> None:
    """The help shows what works, and only that."""
    first = {line.split()[0] for line in cli("--help").out.splitlines() if line.startswith("  ")}
    assert set(COMMANDS) == first & {*COMMANDS, *LATER}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples_first_and_a_full_help(cli: Cli, name: str) -> None:
    """`-h` begins with usage and examples; `--help` adds the exit codes."""
    short, full = cli(name, "-h"), cli(name, "--help")
    assert (0, 0) == (short.status, full.status)
    assert short.out.index("Examples:") < short.out.index("Options:")
    assert ("Exit status:" in full.out, "Exit status:" in short.out) == (True, False)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_the_same_in_the_list_and_in_its_own_help(cli: Cli, name: str) -> None:
    """The line of the catalogue is the first sentence of the command's help."""
    assert catalogue.COMMANDS[name][1].split(":")[0].rstrip(".") in " ".join(cli(name, "-h").out.split())


@pytest.mark.parametrize("name", LATER)
def test_commands_that_come_later_say_so(cli: Cli, name: str) -> None:
    """A command of the future is refused by name with exit code 2."""
    ran = cli(name, "a", "b")
    assert (2, "") == (ran.status, ran.out)
    assert f"`vethlab {name}` is not built yet" in ran.err


def test_a_mistyped_command_is_guessed(cli: Cli) -> None:
    """An unknown command names the one that was probably meant."""
    assert "did you mean `vethlab check`?" in cli("chekc").err


@pytest.mark.parametrize("words", [("up", "--bogus"), ("--bogus",), ("check", "--timeout", "soon"), ("exec",), ("down", "a", "b")])
def test_wrong_arguments_exit_2_and_point_to_the_help(cli: Cli, words: tuple[str, ...]) -> None:
    """A mistake on the command line is exit code 2, in our form of error, with a help line."""
    ran = cli(*words)
    assert (2, "", True, True) == (ran.status, ran.out, ran.err.startswith("error[usage]: "), "= help: " in ran.err)


def test_an_error_in_json_is_one_document(cli: Cli) -> None:
    """With -o json a failure is a document on stdout with the parts of an error, also where the arguments cannot be parsed."""
    found = cli("check", "--bogus", "-o", "json").json()
    assert ("vethlab.error/1", {"schema", "slug", "message", "where", "help", "why"}) == (found["schema"], set(found))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HostError("no", help="doctor"), 3), (BuildError("no"), 5), (KernelError("add", "link a", 95), 5), (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 70),
    ],
)
def test_an_error_of_the_engine_ends_with_its_code(cli: Cli, world: World, error: Exception, status: int) -> None:
    """Every kind of failure has its exit code."""
    world.prepare = lambda lab: setattr(lab, "error", error)
    Path("p.lab.yaml").write_text(PAIR)
    assert status == cli("up").status


def test_a_bug_leaves_a_report_and_no_traceback(cli: Cli, world: World, tmp_path: Path) -> None:
    """Our own failure is one message with the name of a file that holds the traceback."""
    world.prepare = lambda lab: setattr(lab, "error", ZeroDivisionError("x"))
    Path("p.lab.yaml").write_text(PAIR)
    ran = cli("up")
    report = next(tmp_path.glob("vethlab-report-*.txt"))
    assert ("Traceback" in ran.err, str(report) in ran.err, "ZeroDivisionError: x" in report.read_text()) == (False, True, True)


def test_the_cause_of_a_rollback_is_said(cli: Cli, world: World) -> None:
    """A rolled-back change shows the kernel's own sentence."""
    error = BuildError("adding link a:eth0 failed; the lab is as it was")
    error.__cause__ = KernelError("add", "link a:eth0", 95, "Unknown device type")
    world.prepare = lambda lab: setattr(lab, "error", error)
    Path("p.lab.yaml").write_text(PAIR)
    assert "Unknown device type" in cli("up").err


def test_output_format_from_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """VETHLAB_<OPTION> sets an option."""
    monkeypatch.setenv("VETHLAB_OUTPUT", "json")
    assert "vethlab.version/1" == cli("version").json()["schema"]


def test_a_closed_pipe_is_silent() -> None:
    """`vethlab explain | head -1` ends without a message."""
    reader, writer = os.pipe()
    os.close(reader)
    program = [sys.executable, "-m", "vethlab", "explain", "exit-codes"]
    done = subprocess.run(program, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (128 + signal.SIGPIPE, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", [["version"], ["version", "-o", "json"], ["show", "--lab", "none", "-o", "json"], ["explain", "rp-filter"]],
)
def test_a_full_disk_is_said_and_nothing_else(arguments: list[str], unbuffered: str) -> None:
    """Standard output that cannot be written is exit code 3 and one message, whether Python buffers it or not."""
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    program = [sys.executable, "-m", "vethlab", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert (3, "error[file]: cannot write: No space left on device\n") == (done.returncode, done.stderr)


def test_sigterm_is_like_an_interrupt() -> None:
    """SIGTERM ends a command as Ctrl-C does: cleaned up, exit code 130."""
    code = (
        "import sys, time, os, signal, types\n"
        "fake = types.ModuleType('vethlab.lab')\n"
        "def labs():\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(5)\n"
        "fake.labs = labs\nsys.modules['vethlab.lab'] = fake\n"
        "import vethlab\nvethlab.lab = fake\nsys.argv = ['vethlab', 'ls']\n"
        "from vethlab.present.cli.main import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (130, "", "interrupted, cleaned up\n") == (done.returncode, done.stdout, done.stderr)


def test_no_command_is_the_short_help(cli: Cli) -> None:
    """`vethlab` alone shows what there is."""
    assert (0, cli("-h").out) == ((ran := cli()).status, ran.out)


def test_the_version_option_is_the_version_command(cli: Cli) -> None:
    """--version is known to everybody."""
    assert cli("version") == cli("--version")


@pytest.mark.parametrize("words", [("down", "--output=json", "none"), ("down", "-ojson", "none")])
def test_json_is_asked_for_in_each_spelling(cli: Cli, world: World, words: tuple[str, ...]) -> None:
    """-ojson and --output=json are -o json, for errors too."""
    del world
    assert "vethlab.error/1" == cli(*words).json()["schema"]


def test_the_options_of_a_command_inside_are_not_ours(cli: Cli, world: World) -> None:
    """`exec none -- tool -o json` fails in text: that -o is the tool's."""
    del world
    ran = cli("exec", "-l", "none", "a", "tool", "-o", "json")
    assert (4, "") == (ran.status, ran.out)


def test_where_and_why_are_told(cli: Cli, world: World) -> None:
    """An error has up to four parts."""
    parts = {"where": "/proc/self/uid_map", "why": "Operation not permitted", "help": "see doctor", "slug": "no-user-namespaces"}
    error = HostError("cannot make namespaces", **parts)
    world.prepare = lambda lab: setattr(lab, "error", error)
    Path("p.lab.yaml").write_text(PAIR)
    assert (
        "error[no-user-namespaces]: cannot make namespaces\n"
        "  --> /proc/self/uid_map\n"
        "   = why: Operation not permitted\n"
        "   = help: see doctor\n"
    ) == cli("up").err


def test_a_bug_in_json_is_one_document(cli: Cli, world: World) -> None:
    """Our own failure is a document too where one was asked for."""
    world.prepare = lambda lab: setattr(lab, "error", ZeroDivisionError("x"))
    Path("p.lab.yaml").write_text(PAIR)
    ran = cli("up", "-o", "json")
    assert (70, "bug") == (ran.status, ran.json()["slug"])


def test_a_bug_without_a_place_for_its_report_is_told(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be written the report is on stderr."""
    def refuse(*_words: object, **_keys: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    world.prepare = lambda lab: setattr(lab, "error", ZeroDivisionError("x"))
    Path("p.lab.yaml").write_text(PAIR)
    ran = cli("up")
    assert (70, True) == (ran.status, "ZeroDivisionError: x" in ran.err and "please send the lines above" in ran.err)
