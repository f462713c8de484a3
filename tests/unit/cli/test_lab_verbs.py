"""plan, up, down, clean, ls, show as a user sees them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.cli.double import PAIR, Cli, World

from vethlab import spec
from vethlab.change import AddNetns, SetLink
from vethlab.kernel.port import ProcessStatus
from vethlab.model.link import Link
from vethlab.model.state import Process, State
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff

STAR = """name: web3
networks:
  br0: {subnet: 10.1.0.0/24, gateway: 1, nodes: {web: 11, db: 12, client: 13}}
nodes: {web: {run: sleep 1000}, db: {}, client: {}}
"""


@pytest.fixture
def pair_file(cli: Cli) -> str:
    """The pair's lab file in the current directory."""
    del cli
    Path("pair.lab.yaml").write_text(PAIR)
    return "pair.lab.yaml"


def test_up_is_one_line_and_a_hint(cli: Cli, world: World, pair_file: str) -> None:
    """A fresh lab is one line on stdout; what to try next is on stderr."""
    ran = cli("up", pair_file)
    assert (0, "✓ pair is up: 2 nodes, 1 link, rootless                    12 ms\n") == (ran.status, ran.out)
    assert "  try: vethlab check · vethlab sh a · vethlab down\n" == ran.err
    assert ["up detach=True names=False"] == world.up["pair"].calls


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("here", "flag"), [(PAIR, " -l web3"), ("- no lab\n", " -l web3"), ("", "")])
def test_a_hint_names_the_lab_where_another_would_be_meant(cli: Cli, here: str, flag: str) -> None:
    """The only one that runs needs no name where no file is; a file with mistakes is of some other lab."""
    if here:
        Path("here.lab.yaml").write_text(here)
    Path("elsewhere").mkdir()
    Path("elsewhere/web3.lab.yaml").write_text(STAR)
    ran = cli("up", "elsewhere/web3.lab.yaml")
    assert f"  try: vethlab check{flag} · vethlab sh web{flag} · vethlab down{flag}\n" == ran.err


@pytest.mark.usefixtures("pair_file")
def test_up_without_a_file_takes_the_only_one(cli: Cli, world: World) -> None:
    """The directory's single lab file is the lab."""
    assert (0, ["pair"]) == (cli("up").status, list(world.up))


@pytest.mark.usefixtures("pair_file", "world")
def test_up_with_two_files_lists_them(cli: Cli) -> None:
    """Several lab files are an error that names them all."""
    Path("other.lab.yaml").write_text(PAIR)
    ran = cli("up")
    assert (2, True, True) == (ran.status, "other.lab.yaml" in ran.err, "pair.lab.yaml" in ran.err)


def test_up_again_says_that_nothing_is_to_do(cli: Cli, world: World, pair_file: str) -> None:
    """A lab that matches its file is left alone."""
    cli("up", pair_file)
    assert cli("up", pair_file).out.startswith("✓ pair matches its file, nothing to change")
    assert world.up["pair"].calls == ["up detach=True names=False"] * 2


def test_up_of_drift_counts_what_it_did(cli: Cli, world: World, pair_file: str) -> None:
    """A repaired lab says how much was changed and how much was left alone."""
    cli("up", pair_file)
    before, after = Link("eth0", "veth", up=False), Link("eth0", "veth")
    world.up["pair"].drift = (SetLink("a", before, after, "down → up"),)
    assert "✓ pair matches its file: 1 changed, 2 untouched            12 ms\n" == cli("up").out


@pytest.mark.parametrize(("word", "mode"), [("--root", "root"), ("--rootless", "rootless")])
def test_up_passes_the_mode_on(cli: Cli, world: World, pair_file: str, word: str, mode: str) -> None:
    """--root and --rootless decide where the lab lives."""
    cli("up", word, pair_file)
    assert mode == world.up["pair"].mode


def test_up_in_json_is_one_document(cli: Cli, world: World, pair_file: str) -> None:
    """Machines get the receipt, its changes included, and the check inside the same document."""
    del world
    found = cli("up", "--check", "-o", "json", pair_file).json()
    assert ("vethlab.up/1", "pair", True, "rootless") == (found["schema"], found["lab"], found["created"], found["mode"])
    assert {"add", "change"} == {change["action"] for change in found["changes"]}
    assert 0 == found["check"]["of"]


def test_dry_run_touches_nothing(cli: Cli, world: World, pair_file: str) -> None:
    """`up --dry-run` is the plan."""
    ran = cli("up", "--dry-run", pair_file)
    assert ({}, cli("plan", pair_file).out) == (world.up, ran.out)


def test_plan_folds_what_comes_with_a_node(cli: Cli, world: World, pair_file: str) -> None:
    """The plan of a new lab has a line for each node and link, and a count."""
    del world
    assert (
        "pair.lab.yaml is not running yet      + add  ~ change  - remove\n"
        "  + node  a                 10.0.0.1/24\n"
        "  + node  b                 10.0.0.2/24\n"
        "  + link  a:eth0 -- b:eth0\n"
        "2 nodes and 1 link to add, 0 to change, 0 to remove\n"
    ) == cli("plan", pair_file).out


def test_plan_wide_hides_nothing(cli: Cli, world: World, pair_file: str) -> None:
    """`-o wide` has a line for each change."""
    changes = diff(State(), desired(spec.loads(PAIR)), new=True)
    del world
    assert len(changes) == len(cli("plan", pair_file, "-o", "wide").out.splitlines()) - 2


def test_plan_in_json(cli: Cli, world: World, pair_file: str) -> None:
    """plan/1 holds every change with the documented keys."""
    del world
    found = cli("plan", pair_file, "-o", "json").json()
    assert ("vethlab.plan/1", "pair") == (found["schema"], found["lab"])
    assert {"action", "object", "node", "reason", "command"} == set(found["changes"][0])


@pytest.mark.parametrize(("runs", "status"), [(False, 1), (True, 0)])
def test_plan_exit_code(cli: Cli, world: World, pair_file: str, runs: bool, status: int) -> None:
    """With --exit-code a difference is exit code 1, no difference 0."""
    if runs:
        world.start(PAIR)
    assert status == cli("plan", "--exit-code", pair_file).status


def test_show_commands_of_a_new_lab_is_a_script(cli: Cli, world: World, pair_file: str) -> None:
    """What a person would type by hand, with named namespaces, in order."""
    del world
    lines = [line for line in cli("plan", "--show-commands", pair_file).out.splitlines() if not line.startswith("#")]
    assert ["ip netns add host", "ip netns add a", "ip netns add b"] == lines[:3]
    assert any(line.startswith("ip netns exec a ip link add name eth0 ") and " type veth peer name eth0" in line for line in lines)
    assert all(line.startswith(("ip netns add ", "ip netns exec ")) for line in lines)


def test_show_commands_of_a_running_lab_go_through_exec(cli: Cli, world: World, pair_file: str) -> None:
    """The namespaces of a running lab have no names, so `vethlab exec` is what can be pasted."""
    lab = world.start(PAIR)
    lab.drift = (SetLink("a", Link("eth0", "veth", up=False), Link("eth0", "veth"), "down → up"),)
    assert "vethlab exec --lab pair a -- ip link set dev eth0 up" == cli("plan", "--show-commands", pair_file).out.splitlines()[-1]


def test_drift_is_shown_with_its_reason(cli: Cli, world: World, pair_file: str) -> None:
    """A change to a running lab says from what to what."""
    world.start(PAIR).drift = (SetLink("a", Link("eth0", "veth", mtu=1500), Link("eth0", "veth", mtu=9000), "mtu 1500 → 9000"),)
    assert "  ~ interface  a:eth0  mtu 1500 → 9000" in cli("plan", pair_file).out


def test_marks_are_ascii_without_utf8(cli: Cli, world: World, pair_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A locale that is not UTF-8 gets ASCII only."""
    monkeypatch.setenv("LC_ALL", "C")
    world.start(PAIR).drift = (SetLink("a", Link("eth0", "veth", mtu=1500), Link("eth0", "veth", mtu=9000), "mtu 1500 → 9000"),)
    assert [True, True] == [cli("plan", pair_file).out.isascii(), cli("up", pair_file).out.isascii()]


@pytest.mark.parametrize(("words", "coloured"), [((), False), (("--color", "always"), True), (("--color", "never"), False)])
def test_colour_only_where_asked_for_without_a_terminal(cli: Cli, world: World, words: tuple[str, ...], coloured: bool) -> None:
    """No TTY, no colour, unless --color always."""
    world.start(PAIR)
    assert coloured == ("\x1b[" in cli("down", "pair", *words).out)


@pytest.mark.parametrize(("name", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colour_by_environment(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch, name: str, coloured: bool) -> None:
    """FORCE_COLOR and NO_COLOR are honoured."""
    monkeypatch.setenv(name, "1")
    world.start(PAIR)
    assert coloured == ("\x1b[" in cli("down", "pair").out)


def test_down_takes_the_lab_of_the_directory(cli: Cli, world: World, pair_file: str) -> None:
    """`down` without a name means the lab of the file here."""
    del pair_file
    lab = world.start(PAIR)
    ran = cli("down", "--wait")
    assert (0, "✓ pair is gone\n", ["down wait=True"], {}) == (ran.status, ran.out, lab.calls, world.up)


@pytest.mark.parametrize("words", [("pair",), ("-l", "pair"), ("pair.lab.yaml",)])
def test_down_takes_a_name_an_option_or_a_file(cli: Cli, world: World, pair_file: str, words: tuple[str, ...]) -> None:
    """The lab may be named in each of three ways."""
    del pair_file
    world.start(PAIR)
    assert (0, {}) == (cli("down", *words).status, world.up)


@pytest.mark.parametrize("words", [("pair",), ()])
def test_down_twice_is_exit_4(cli: Cli, world: World, pair_file: str, words: tuple[str, ...]) -> None:
    """A lab that is not there is exit code 4 and a clear message, the second time too."""
    del pair_file
    world.start(PAIR)
    cli("down", *words)
    ran = cli("down", *words)
    assert (4, "", True) == (ran.status, ran.out, "pair` " in ran.err and "error[no-such-lab]" in ran.err)


def test_down_all_takes_every_lab_of_the_user(cli: Cli, world: World) -> None:
    """--all takes all of them."""
    world.start(PAIR)
    world.start(STAR)
    assert ("✓ pair is gone\n✓ web3 is gone\n", {}) == (cli("down", "--all").out, world.up)


def test_down_dry_run_takes_nothing(cli: Cli, world: World) -> None:
    """--dry-run says what would go."""
    world.start(STAR)
    assert ("would take away web3: 3 nodes, 1 network\n", ["web3"]) == (cli("down", "--dry-run").out, list(world.up))


def test_down_shows_its_commands(cli: Cli, world: World) -> None:
    """--show-commands prints the equivalent of taking a lab away."""
    world.start(PAIR)
    assert ["ip netns delete a", "ip netns delete b"] == [
        line for line in cli("down", "--show-commands", "--dry-run").out.splitlines() if line.startswith("ip ")
    ]


def test_several_running_labs_must_be_named(cli: Cli, world: World) -> None:
    """With two labs running and no file here, the user has to choose."""
    world.start(PAIR)
    world.start(STAR)
    ran = cli("down")
    assert (2, True) == (ran.status, "pair, web3" in ran.err)


def test_no_running_lab_is_exit_4(cli: Cli, world: World) -> None:
    """Without any lab the message says how to get one."""
    del world
    ran = cli("check")
    assert (4, True) == (ran.status, "vethlab up" in ran.err)


def test_clean_after_nothing_and_after_a_crash(cli: Cli, world: World) -> None:
    """`clean` says what it removed, --dry-run what it would."""
    assert "✓ nothing was left behind\n" == cli("clean").out
    world.left = ["the name a of lab web3"]
    assert "would remove the name a of lab web3\n" == cli("clean", "--dry-run").out
    assert {"schema": "vethlab.clean/1", "removed": ["the name a of lab web3"], "would_remove": [], "dry_run": False} == cli(
        "clean", "-o", "json",
    ).json()


def test_ls_without_labs_prints_no_data(cli: Cli, world: World) -> None:
    """No lab: nothing on stdout, a word on stderr, exit 0."""
    del world
    ran = cli("ls")
    assert (0, "", "no lab is running\n") == (ran.status, ran.out, ran.err)


def test_ls_lists_labs(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each lab."""
    monkeypatch.setattr("time.time", lambda: world.since + 200)
    world.start(PAIR)
    assert (
        "NAME  MODE      NODES  LINKS  UP FOR  FILE\n"
        "pair  rootless      2      1  3 min   made.lab.yaml\n"
    ) == cli("ls").out


def test_ls_in_json_has_the_documented_keys(cli: Cli, world: World) -> None:
    """ls/1 is {labs: [{name, mode, nodes, links, since, file}]} and may only grow."""
    world.start(PAIR)
    documented = {"name": "pair", "mode": "rootless", "nodes": 2, "links": 1, "since": world.since, "file": "made.lab.yaml"}
    assert [{**documented, "pid": 4242, "uid": os.getuid(), "host": "private"}] == cli("ls", "-o", "json").json()["labs"]


def test_show_is_a_table_of_interfaces_and_processes(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running lab: nodes, where their interfaces lead, addresses; and what runs, with its log."""
    monkeypatch.setattr("time.time", lambda: world.since + 200)
    world.start(STAR)
    world.processes = [ProcessStatus("web", Process("sleep 1000"), 17, None, "/tmp/vethlab-log/web-0001")]
    assert (
        "web3 · 3 nodes, 1 network · rootless · up for 3 min · keeper 4242 · made.lab.yaml\n"
        "NODE    INTERFACE  STATE  TO       ADDRESSES\n"
        "web     eth0       up     br0      10.1.0.11/24\n"
        "db      eth0       up     br0      10.1.0.12/24\n"
        "client  eth0       up     br0      10.1.0.13/24\n"
        "host    br0        up     3 ports  10.1.0.1/24\n"
        "\n"
        "NODE  PID  PROCESS  LOG                        COMMAND\n"
        "web   17   running  /tmp/vethlab-log/web-0001  sleep 1000\n"
    ) == cli("show").out


def test_show_of_a_lab_that_does_not_run(cli: Cli, world: World, pair_file: str) -> None:
    """A file whose lab does not run is shown as declared, without states."""
    del world, pair_file
    assert (
        "pair · 2 nodes, 1 link · not running · pair.lab.yaml\n"
        "NODE  INTERFACE  TO      ADDRESSES\n"
        "a     eth0       b:eth0  10.0.0.1/24\n"
        "b     eth0       a:eth0  10.0.0.2/24\n"
    ) == cli("show").out


def test_show_in_json_has_the_documented_keys(cli: Cli, world: World) -> None:
    """show/1 is {lab, nodes, links, networks} and may only grow."""
    world.start(STAR)
    found = cli("show", "-o", "json").json()
    assert ("vethlab.show/1", "web3", True) == (found["schema"], found["lab"], found["running"])
    assert ["web", "db", "client", "host"] == [node["name"] for node in found["nodes"]]
    assert "10.1.0.11/24" == found["nodes"][0]["interfaces"][1]["addresses"][0]
    first = {"node": "web", "interface": "eth0", "addresses": ["10.1.0.11/24"], "port": "p-web", "isolated": False}
    assert first == found["networks"][0]["ports"][0]


@pytest.mark.parametrize("words", [("--expanded",), ("-o", "yaml"), ("-o", "expanded")])
def test_show_expanded_is_a_lab_file(cli: Cli, world: World, words: tuple[str, ...]) -> None:
    """The canonical form is a lab file that means the same."""
    lab = world.start(STAR)
    assert lab.topology == spec.loads(cli("show", *words).out)


def down_all(cli: Cli) -> tuple[int, str]:
    """Exit code and output of `down --all`."""
    ran = cli("down", "--all")
    return ran.status, ran.out


def test_down_all_and_a_name_contradict(cli: Cli, world: World) -> None:
    """--all with a name is refused, nothing goes."""
    world.start(PAIR)
    assert (2, ["pair"]) == (cli("down", "--all", "pair").status, list(world.up))


def test_down_all_bears_a_lab_that_goes_by_itself(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that somebody else took down in between is no error."""
    world.start(PAIR)
    gone = world.start(STAR)
    infos = world.labs()
    del world.up[gone.name]
    monkeypatch.setattr(world, "labs", lambda: infos)
    assert (0, "✓ pair is gone\n") == down_all(cli)


def test_down_all_of_nothing(cli: Cli, world: World) -> None:
    """Without a lab --all has nothing to do, which is fine."""
    del world
    assert (0, "no lab is running\n") == down_all(cli)


def test_down_in_json(cli: Cli, world: World) -> None:
    """down/1 names the labs that went."""
    world.start(PAIR)
    assert {"schema": "vethlab.down/1", "labs": ["pair"], "dry_run": False} == cli("down", "-o", "json").json()


def test_down_shows_the_host_of_a_lab_with_bridges(cli: Cli, world: World) -> None:
    """The namespace that plays the machine goes too."""
    world.start(STAR)
    assert "ip netns delete host" in cli("down", "--show-commands").out.splitlines()


def test_ls_wide_names_user_and_keeper(cli: Cli, world: World) -> None:
    """-o wide says whose lab it is and which process holds it."""
    world.start(PAIR)
    head, line = cli("ls", "-o", "wide").out.splitlines()
    assert (["USER", "KEEPER"], "4242") == (head.split()[6:8], line.split()[-2])


def test_ls_of_an_unknown_user_shows_the_number(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uid without a name is shown as it is."""
    lab = world.start(PAIR)
    info = lab.info()
    info.uid = 4_000_000
    monkeypatch.setattr(world, "labs", lambda: [info])
    assert "4000000" in cli("ls").out.split()


def test_the_plan_of_a_bridge_tells_its_address(cli: Cli, world: World) -> None:
    """The host is always there, so its bridges stand for it."""
    del world
    Path("web3.lab.yaml").write_text(STAR)
    out = cli("plan").out
    words = [line.split() for line in out.splitlines()]
    assert (True, False) == (["+", "bridge", "host:br0", "10.1.0.1/24"] in words, ["+", "node", "host"] in [line[:3] for line in words])


def test_show_commands_of_rulesets_and_processes_use_a_shell(cli: Cli, world: World) -> None:
    """What needs a pipe or an ampersand is given to a shell in the node."""
    del world
    Path("web3.lab.yaml").write_text(STAR)
    assert "ip netns exec web sh -c 'sh -c '\"'\"'sleep 1000'\"'\"' &'" in cli("plan", "--show-commands").out.splitlines()


def test_show_commands_of_a_new_node_in_a_running_lab_are_comments(cli: Cli, world: World, pair_file: str) -> None:
    """A namespace of a running lab has no name to type, so making one is shown and not to be pasted."""
    world.start(PAIR).drift = (AddNetns("c"),)
    assert "# ip netns add c" in cli("plan", pair_file, "--show-commands").out.splitlines()


def test_up_shows_its_commands(cli: Cli, world: World, pair_file: str) -> None:
    """--show-commands prints them before the receipt."""
    del world
    assert "ip netns add a" in cli("up", pair_file, "--show-commands").out.splitlines()[:-1]


def test_a_name_that_is_not_plain_to_see_is_parsed(cli: Cli, world: World) -> None:
    """A lab file in flow style has a name too."""
    world.start(PAIR)
    Path("p.lab.yaml").write_text("{name: pair, links: [a -- b]}\n")
    assert (0, {}) == (cli("down").status, world.up)


def test_a_file_of_a_lab_that_does_not_run_names_those_that_do(cli: Cli, world: World) -> None:
    """The user who meant another lab sees it."""
    world.start(STAR)
    Path("p.lab.yaml").write_text(PAIR)
    ran = cli("check")
    assert (4, True) == (ran.status, "running: web3" in ran.err)


def test_show_of_an_unknown_lab_is_exit_4(cli: Cli, world: World) -> None:
    """A name that is no lab is not shown."""
    del world
    assert 4 == cli("show", "none").status


@pytest.mark.parametrize(("exited", "words"), [(0, "exited 0"), (137, "killed by signal 9")])
def test_show_says_how_a_process_ended(cli: Cli, world: World, exited: int, words: str) -> None:
    """A `run:` that is dead says so."""
    world.start(STAR)
    world.processes = [ProcessStatus("web", Process("sleep 1000"), 17, exited, "log")]
    assert words in cli("show").out
    assert exited == cli("show", "-o", "json").json()["nodes"][0]["process"]["exited"]


def test_show_declares_loopbacks_and_bridges(cli: Cli, world: World) -> None:
    """The declared picture has addresses on lo and bridges on host."""
    del world
    Path("f.lab.yaml").write_text(
        "name: f\nnodes: [a, b]\nnetworks: {br0: {subnet: 10.1.0.0/24, nodes: [a, b]}}\naddressing: {loopbacks: 10.255.0.0/24}\n",
    )
    words = [line.split() for line in cli("show").out.splitlines()]
    assert (True, True) == (["a", "lo", "–", "10.255.0.1/32"] in words, ["host", "br0", "2", "ports"] in words)  # noqa: RUF001 - the mark
