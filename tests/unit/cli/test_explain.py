"""explain: findings, sysctls and the kernel's drop reasons."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import click
import pytest
from tests.unit.cli.double import PAIR, Cli, FakeLab, World

from vethlab import spec
from vethlab.errors import LabError
from vethlab.explain.findings import declarations, slugs
from vethlab.explain.reasons import reasons
from vethlab.explain.sysctls import leaves, sysctls
from vethlab.present.cli import kernel_words
from vethlab.present.cli.complete import words as completed
from vethlab.present.cli.topics import SLUGS, topics, words

CHAIN = "name: chain\nlinks: [a 10.0.1.1/24 -- r 10.0.1.2/24, r 10.0.2.1/24 -- b 10.0.2.2/24]\n"


class Kernel:
    """Sysctls of a lab's namespaces: 0, but for those given."""

    def __init__(self, given: dict[str, str | None] | None = None) -> None:
        self.given = given or {}

    def read_sysctls(self, requests: Sequence[tuple[str, str]]) -> list[str | None]:
        """The value of each (name, key)."""
        return [self.given.get(f"{name}:{key}", self.given.get(key, "0")) for name, key in requests]


class Ended(Kernel):
    """Namespaces of a lab that is not there any more."""

    def read_sysctls(self, requests: Sequence[tuple[str, str]]) -> list[str | None]:
        """Nothing can be read."""
        raise LabError(f"cannot read {len(requests)} sysctls")


def running(world: World, text: str, given: dict[str, str | None] | None = None) -> FakeLab:
    """A lab of the double that has sysctls."""
    lab = world.start(text)
    lab.namespaces = Kernel(given)  # type: ignore[attr-defined]  # the double is built of what each test needs
    return lab


@pytest.mark.parametrize("slug", slugs())
@pytest.mark.usefixtures("world")
def test_every_finding_has_a_page(cli: Cli, slug: str) -> None:
    """A finding's page has its sentence, what the kernel does, what mends it, and the lab word for word."""
    one, ran = declarations()[slug], cli("explain", slug)
    said = " ".join(ran.out.split())
    assert (0, True) == (ran.status, f"{slug}  (finding)" in ran.out)
    wanted = [one.sentence, one.means, one.decided_by, *one.mended_by, *one.lab.split("\n"), *one.reasons, *one.sysctls]
    assert [] == [text for text in wanted if " ".join(text.split()) not in said]


@pytest.mark.parametrize("word", ["IP_RPFILTER", "ip_rpfilter", "SKB_DROP_REASON_IP_RPFILTER", "skb_drop_reason_ip_rpfilter", "RP-filter"])
def test_the_kernels_name_leads_to_the_same_page(cli: Cli, word: str) -> None:
    """A drop reason of one finding prints what the finding's own word prints, in any spelling."""
    assert cli("explain", "rp-filter").out == cli("explain", word).out


@pytest.mark.parametrize("name", reasons())
def test_every_drop_reason_has_a_page(cli: Cli, name: str) -> None:
    """Whatever reason the kernel gives, there is something to read, and it names the reason."""
    ran = cli("explain", name)
    assert (0, True) == (ran.status, reasons()[name].sentence in " ".join(ran.out.split()))


def test_a_reason_of_several_findings_says_so(cli: Cli) -> None:
    """Its own page names them all, and the likeliest one's page follows."""
    found = cli("explain", "IP_INADDRERRORS", "-o", "json").json()["topics"]
    assert [("IP_INADDRERRORS", "drop reason"), ("forwarding-off", "finding")] == [(one["word"], one["kind"]) for one in found]
    assert "leads to    no-address, forwarding-off, not-for-us" in found[0]["text"]


@pytest.mark.parametrize("leaf", leaves())
@pytest.mark.usefixtures("world")
def test_every_sysctl_has_a_page(cli: Cli, leaf: str) -> None:
    """A sysctl's page has its values, its rule and its lab, and the page of the finding that it causes comes after it."""
    ran = cli("explain", leaf)
    mine = [one for one in sysctls() if one.leaf == leaf]
    said = " ".join(ran.out.split())
    wanted = [text for one in mine for text in (one.what, one.key, one.raises, *one.lab.split("\n"))]
    wanted += [meaning for one in mine for _value, meaning in one.values]
    wanted += [f"{one.finding} (finding)" for one in mine if one.finding]
    assert (0, []) == (ran.status, [text for text in wanted if " ".join(text.split()) not in said])


@pytest.mark.parametrize(
    "word", ["rp_filter", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.eth0.rp_filter", "net/ipv4/conf/all/rp_filter"],
)
@pytest.mark.usefixtures("world")
def test_a_sysctl_is_found_by_its_full_key(cli: Cli, word: str) -> None:
    """The leaf, the key with any interface, and the way under /proc/sys are one word."""
    found = cli("explain", word, "-o", "json").json()["topics"]
    assert [("rp_filter", "sysctl"), ("rp-filter", "finding")] == [(one["word"], one["kind"]) for one in found]


def test_a_sysctl_shows_its_value_in_every_node(cli: Cli, world: World) -> None:
    """Places with the same values share a line, a node whose interfaces agree is named alone, and the line says what counts."""
    running(world, CHAIN, {"r:net.ipv4.conf.all.rp_filter": "1", "r:net.ipv4.conf.eth1.rp_filter": "2"})
    lines = cli("explain", "rp_filter").out.splitlines()
    start = lines.index("  now in lab chain")
    assert [
        "  all  interface  counts  where",
        "    0          0       0  a, b",
        "    1          0       1  r:eth0",
        "    1          2       2  r:eth1",
    ] == lines[start + 1 : start + 5]


def test_values_in_json(cli: Cli, world: World) -> None:
    """explain/1 has a value for each interface, with the one of all and the effective one."""
    running(world, PAIR, {"b:net.ipv4.conf.all.accept_local": "1"})
    found = cli("explain", "accept_local", "-o", "json").json()
    both = {"lab": "pair", "interface": "eth0", "key": "net.ipv4.conf.eth0.accept_local", "own": 0}
    assert [{"node": "a", "all": 0, "effective": 0, **both}, {"node": "b", "all": 1, "effective": 1, **both}] == found["values"]


def test_a_sysctl_of_the_namespace_has_one_value(cli: Cli, world: World) -> None:
    """Where no interface has a value of its own, each node has one."""
    running(world, PAIR, {"a:net.ipv4.ip_forward": "1"})
    lines = cli("explain", "ip_forward").out.splitlines()
    start = lines.index("  now in lab pair")
    assert ["  value  where", "      1  a", "      0  b, host"] == lines[start + 1 : start + 4]


def test_many_nodes_are_counted(cli: Cli, world: World) -> None:
    """A line names at most 24 places."""
    running(world, "name: many\nnetworks: {br0: {nodes: [h1..30]}}\n")
    assert "and 7 more\n" in cli("explain", "icmp_echo_ignore_all").out


@pytest.mark.parametrize("value", [None, "not a number"])
def test_what_the_kernel_does_not_have_is_left_out(cli: Cli, world: World, value: str | None) -> None:
    """A key that this kernel lacks has no values, and the page is shown all the same."""
    running(world, PAIR, {"net.ipv4.ip_forward": value, "a:net.ipv4.ip_forward": value, "b:net.ipv4.ip_forward": value})
    ran = cli("explain", "ip_forward")
    assert (0, False, True) == (ran.status, "now in lab" in ran.out, "ip_forward  (sysctl)" in ran.out)


def test_values_of_the_machine_and_of_others_are_not_read(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no lab can have, and labs of other users, are left alone."""
    running(world, PAIR)
    assert "now in lab" not in cli("explain", "gc_thresh3").out
    monkeypatch.setattr(world, "labs", lambda: [SimpleNamespace(name="pair", uid=os.getuid() + 1)])
    assert "now in lab" not in cli("explain", "ip_forward").out


def test_a_lab_that_just_ended_spoils_no_page(cli: Cli, world: World) -> None:
    """A lab that cannot be read is left out."""
    running(world, PAIR).namespaces = Ended()  # type: ignore[attr-defined]  # as above
    ran = cli("explain", "ip_forward")
    assert (0, False) == (ran.status, "now in lab" in ran.out)


def test_a_finding_with_the_name_of_a_mistake_has_both_pages(cli: Cli) -> None:
    """`duplicate-mac` is a mistake in a lab file, and a finding in a network."""
    found = cli("explain", "duplicate-mac", "-o", "json").json()["topics"]
    assert ["error", "finding"] == [one["kind"] for one in found]


def test_no_word_means_two_things_by_accident() -> None:
    """Words of different kinds differ, but for the two that are both a mistake and a finding."""
    new = [word.lower() for kind in kernel_words.names().values() for word in kind]
    old = {name.rsplit(".", 1)[-1] for name in topics()}
    assert (len(new), {"duplicate-address", "duplicate-mac"}) == (len(set(new)), set(new) & old)
    assert {"duplicate-address", "duplicate-mac"} <= set(SLUGS)


def test_the_list_and_the_document_hold_every_word(cli: Cli) -> None:
    """Without a word all are listed, and as JSON every page is there, once."""
    listed = cli("explain").out.split()
    every = [word for kind in words().values() for word in kind]
    found = cli("explain", "-o", "json").json()
    assert (set(), []) == (set(every) - set(listed), found["values"])
    assert len(topics()) + len(slugs()) + len(sysctls()) + len(reasons()) == len({(one["word"], one["kind"]) for one in found["topics"]})


@pytest.mark.parametrize(("wrong", "right"), [("rp-fliter", "rp-filter"), ("rp_fliter", "rp_filter"), ("ip_rpfliter", "IP_RPFILTER")])
def test_a_mistyped_word_is_guessed(cli: Cli, wrong: str, right: str) -> None:
    """The nearest finding, sysctl or reason is offered."""
    ran = cli("explain", wrong)
    assert (2, True) == (ran.status, right in ran.err)


@pytest.mark.parametrize(("begun", "offered"), [("rp", {"rp-filter", "rp_filter"}), ("IP_RP", {"IP_RPFILTER"}), ("exit", {"exit-codes"})])
def test_completion_offers_the_kernels_words(begun: str, offered: set[str]) -> None:
    """Findings, sysctls and drop reasons are completed like all other words."""
    context = click.Context(click.Command("explain"))
    assert offered == {item.value for item in completed(context, click.Argument(["word"]), begun)}


@pytest.mark.parametrize("slug", slugs())
def test_commands_of_a_page_can_be_typed(slug: str) -> None:
    """What breaks a lab is one simple command, so that `vethlab exec NODE -- ` before it is all it takes."""
    for line in declarations()[slug].breaks:
        words_ = list(shlex.shlex(line.partition(": ")[2], posix=True, punctuation_chars=True))
        assert not {";", "&", "&&", "|", "||", "<", ">", "(", ")"} & set(words_)


@pytest.mark.parametrize("word", ["networks.subnet", "5", "no-lab", "exit-codes"])
def test_older_words_load_nothing_of_the_kernel(word: str) -> None:
    """A key, an exit code or an error is explained without sysctls and drop reasons in memory; only findings may be asked for."""
    code = f"from vethlab.present.cli.main import run\nassert 0 == run(['explain', {word!r}])\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert set() == {name for name in loaded if name.startswith("vethlab.explain.findings.")}
    assert word == "no-lab" or not {name for name in loaded if name.startswith("vethlab.explain")}


def test_labs_on_the_pages_are_named_once() -> None:
    """Two labs of pages that are tried one after the other do not meet: every name is used once."""
    labs = [one.lab for one in declarations().values()] + [one.lab for one in sysctls()]
    named = [spec.loads(text).name for text in labs]
    assert [] == sorted({name for name in named if named.count(name) > 1})
