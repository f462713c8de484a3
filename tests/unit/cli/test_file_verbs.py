"""init, validate, schema, explain, completion."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from tests.unit.cli.double import PAIR, Cli, World

import vethlab
from vethlab import spec
from vethlab.explain import findings
from vethlab.present.cli.slugs import SLUGS
from vethlab.present.cli.topics import EXIT_CODES, topics

WRONG = "name: web3\nnetworks:\n  br0:\n    type: bridge\n    subnett: 10.1.0.0/24\n    nodes: [a, b]\n"


def test_init_writes_the_pair(cli: Cli) -> None:
    """Without a template it is the smallest lab, in a file called after it."""
    assert ("wrote pair.lab.yaml (3 lines)\n", True) == (cli("init").out, spec.load("pair.lab.yaml").name == "pair")


@pytest.mark.parametrize("name", spec.template_names())
def test_every_template_is_valid(cli: Cli, name: str) -> None:
    """What init writes, validate accepts."""
    assert (0, 0) == (cli("init", name).status, cli("validate").status)


def test_init_never_overwrites(cli: Cli) -> None:
    """A file that exists stays as it is."""
    Path("pair.lab.yaml").write_text("mine")
    ran = cli("init")
    assert (2, "mine", True) == (ran.status, Path("pair.lab.yaml").read_text(), "does not overwrite" in ran.err)


def test_init_beside_another_lab_names_its_file(cli: Cli) -> None:
    """With several lab files here `up` alone would not know which: the hint names the new one."""
    assert ["  try: vethlab up\n", "  try: vethlab up bridge.lab.yaml\n"] == [cli("init").err, cli("init", "bridge").err]


def test_init_dry_run_prints_the_file(cli: Cli) -> None:
    """--dry-run writes nothing."""
    assert (spec.template("pair"), []) == (cli("init", "--dry-run").out, list(Path().iterdir()))


def test_init_lists_templates(cli: Cli) -> None:
    """--list has one template a line."""
    assert list(spec.template_names()) == cli("init", "--list").out.split()


def test_init_guesses_a_mistyped_template(cli: Cli) -> None:
    """An unknown template is exit code 2 and a guess."""
    ran = cli("init", "briidge")
    assert (2, True) == (ran.status, "bridge" in ran.err)


def test_validate_counts_what_it_found(cli: Cli) -> None:
    """A correct file is one line."""
    Path("p.lab.yaml").write_text(PAIR)
    ran = cli("validate")
    assert (0, "✓ p.lab.yaml: 2 nodes, 1 link\n") == (ran.status, ran.out)


def test_validate_shows_the_mistake_in_its_place(cli: Cli) -> None:
    """A mistake is shown with file, line, column, caret, and what was probably meant."""
    Path("web3.lab.yaml").write_text(WRONG)
    ran = cli("validate")
    assert (2, "") == (ran.status, ran.out)
    assert ["error[unknown-key]", "web3.lab.yaml:5:5", "^^^^^^^", "did you mean `subnet`?"] == [
        part for part in ("error[unknown-key]", "web3.lab.yaml:5:5", "^^^^^^^", "did you mean `subnet`?") if part in ran.err
    ]


def test_validate_in_json_has_every_mistake(cli: Cli) -> None:
    """error/1 holds all mistakes of the file with their places."""
    Path("web3.lab.yaml").write_text(WRONG + "bogus: 1\n")
    found = cli("validate", "-o", "json").json()
    assert ("vethlab.error/1", [(5, 5), (7, 1)]) == (found["schema"], sorted((one["line"], one["column"]) for one in found["errors"]))


def test_a_missing_file_is_a_clear_error(cli: Cli) -> None:
    """A file that is not there is exit code 2."""
    ran = cli("validate", "no.lab.yaml")
    assert (2, True) == (ran.status, "no.lab.yaml: No such file or directory" in ran.err)


def test_a_file_may_be_named_without_its_suffix(cli: Cli) -> None:
    """`validate web3` finds web3.lab.yaml."""
    Path("web3.lab.yaml").write_text(PAIR)
    assert 0 == cli("validate", "web3").status


def test_schema_is_the_schema(cli: Cli) -> None:
    """`schema` prints what spec publishes."""
    assert spec.schema() == cli("schema").json()


@pytest.mark.parametrize("code", EXIT_CODES)
def test_explain_knows_every_exit_code(cli: Cli, code: int) -> None:
    """`explain 5` and `explain exit 5` tell the same."""
    ran = cli("explain", str(code))
    assert (0, True, ran.out) == (ran.status, EXIT_CODES[code][0] in ran.out, cli("explain", "exit", str(code)).out)


def test_explain_lists_exit_codes(cli: Cli) -> None:
    """`explain exit-codes` has a line for each."""
    out = cli("explain", "exit-codes").out
    assert list(EXIT_CODES) == [int(line.split()[0]) for line in out.splitlines()[1:]]


@pytest.mark.parametrize(("word", "found"), [("networks.subnet", "networks.subnet"), ("subnet", "networks.subnet"), ("not-built-yet",) * 2])
def test_explain_finds_keys_and_slugs(cli: Cli, word: str, found: str) -> None:
    """A key by its whole name or its last part, an error by its slug."""
    assert cli("explain", word).out.startswith(f"{found}  (")


def test_explain_tells_what_a_key_takes(cli: Cli) -> None:
    """A key's page has its meaning, its value, what holds without it, and an example."""
    out = cli("explain", "networks.subnet").out
    assert ["subnet: 10.1.0.0/24"] == [line.split(maxsplit=1)[1] for line in out.splitlines() if line.startswith("  example ")]


def named(node: ast.keyword | ast.Assign) -> set[str | None]:
    """The names that a keyword or an assignment gives its value."""
    return {node.arg} if isinstance(node, ast.keyword) else {one.id for one in node.targets if isinstance(one, ast.Name)}


def slugs_in_the_code() -> set[str]:
    """Every slug that an error is given: as a keyword, as a class attribute, or as the second word of a mistake in a lab file."""
    found: set[str] = set()
    for path in Path(vethlab.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            given: list[ast.expr] = []
            if isinstance(node, ast.keyword | ast.Assign) and "slug" in named(node):
                given.append(node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add":
                given += node.args[1:2]
            found |= {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value}
    return found


def test_every_slug_has_a_page() -> None:
    """Whatever an error calls itself, `explain` knows; findings have pages of their own."""
    assert set() == slugs_in_the_code() - set(SLUGS) - set(findings.slugs())


def test_explain_guesses(cli: Cli) -> None:
    """An unknown word is exit code 2 with the nearest ones."""
    ran = cli("explain", "subnetz")
    assert (2, True) == (ran.status, "networks.subnet" in ran.err)


def test_explain_without_a_word_lists_all(cli: Cli) -> None:
    """Every word can be found in the list."""
    assert set(topics()) <= set(cli("explain").out.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_shells_script(cli: Cli, shell: str) -> None:
    """The script calls us back through the completion variable."""
    ran = cli("completion", shell)
    assert (0, True) == (ran.status, f"_VETHLAB_COMPLETE={shell}_complete" in ran.out)


def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    """What the shell is offered for the last of `words`."""
    from vethlab.present.cli.main import run

    monkeypatch.setenv("_VETHLAB_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["vethlab", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit):
        run([])
    return {line.split(",", 1)[1] for line in capsys.readouterr().out.split()}


@pytest.mark.usefixtures("cli")
def test_completion_knows_the_world(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands, running labs, nodes of the lab meant, lab files, templates and words to explain are offered."""
    world.start(PAIR)
    world.start(PAIR.replace("pair", "other").replace("a ", "x "))
    Path("p.lab.yaml").write_text(PAIR.replace("pair", "p"))
    assert {"down", "doctor"} == complete(monkeypatch, capsys, "do")
    assert {"other"} == complete(monkeypatch, capsys, "down", "o")
    assert {"host", "x", "b"} == {word for start in "hxb" for word in complete(monkeypatch, capsys, "exec", "-l", "other", start)}
    assert {"p.lab.yaml"} == complete(monkeypatch, capsys, "up", "p")
    assert {"pair"} == complete(monkeypatch, capsys, "init", "pai")
    assert {"exit-codes"} == complete(monkeypatch, capsys, "explain", "exit")


@pytest.mark.usefixtures("cli")
def test_completion_never_fails(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be found out, nothing is offered."""
    del world
    assert set() == complete(monkeypatch, capsys, "exec", "-l", "none", "a")


@pytest.mark.parametrize(("shell", "check"), [("bash", ["bash", "-n"])])
def test_the_bash_script_parses(cli: Cli, shell: str, check: list[str]) -> None:
    """Bash accepts the script."""
    done = subprocess.run(check, input=cli("completion", shell).out, text=True, capture_output=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_validate_in_json(cli: Cli) -> None:
    """validate/1 counts what the file declares."""
    Path("p.lab.yaml").write_text(PAIR)
    counts = {"nodes": 2, "links": 1, "networks": 0, "checks": 0}
    wanted = {"schema": "vethlab.validate/1", "lab": "pair", "file": "p.lab.yaml", "ok": True, **counts, "hints": []}
    assert wanted == cli("validate", "-o", "json").json()


def test_validate_passes_hints_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Advice is on stderr and does not change the status."""
    monkeypatch.setattr(spec, "hints", lambda _topology: ["say `ipv6: none`"])
    Path("p.lab.yaml").write_text(PAIR)
    ran = cli("validate")
    assert (0, "! hint: say `ipv6: none`\n") == (ran.status, ran.err)


def test_init_in_json(cli: Cli) -> None:
    """init/1 says what was written, or which templates there are."""
    told = {"schema": "vethlab.init/1", "template": "pair", "file": "x.yaml", "lines": 3, "text": spec.template("pair")}
    assert {**told, "dry_run": True} == cli("init", "pair", "x.yaml", "--dry-run", "-o", "json").json()
    assert [] == list(Path().iterdir())
    assert {**told, "dry_run": False} == cli("init", "pair", "x.yaml", "-o", "json").json()
    assert list(spec.template_names()) == cli("init", "--list", "-o", "json").json()["templates"]


def test_explain_in_json(cli: Cli) -> None:
    """explain/1 holds the pages found."""
    found = cli("explain", "5", "-o", "json").json()
    assert ("vethlab.explain/1", [("5", "exit code")]) == (found["schema"], [(topic["word"], topic["kind"]) for topic in found["topics"]])


def test_explain_shows_every_key_of_that_name(cli: Cli) -> None:
    """`mtu` is a key of links and of networks."""
    out = cli("explain", "mtu").out
    assert (True, True) == ("links.mtu  (lab file)" in out, "networks.mtu  (lab file)" in out)


def test_completion_of_a_path_is_left_to_the_shell(cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no lab file here fits, the shell completes file names."""
    del cli
    from vethlab.present.cli.main import run

    monkeypatch.setenv("_VETHLAB_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "vethlab up sub/")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        run([])
    assert "file,sub/\n" == capsys.readouterr().out
