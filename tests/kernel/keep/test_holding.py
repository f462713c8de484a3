"""Namespaces held by a keeper: made, opened, asked for sockets and sysctls, dropped."""

import errno
import os
import socket
import sys
import threading
from collections.abc import Callable

import pytest
from tests.kernel.keep.keepers import Spawn, Witness, inode

from vethlab.errors import KernelError, LabError, NotFoundError
from vethlab.keep.client import Keeper, Mode
from vethlab.kernel.port import Namespaces

pytestmark = pytest.mark.kernel


def test_a_keeper_is_namespaces(spawn: Spawn) -> None:
    """The type checker agrees that a keeper and its scopes implement the port."""
    keeper = spawn()
    namespaces: Namespaces = keeper
    scope: Namespaces = keeper.scope("x")
    assert frozenset() == namespaces.names() == scope.names()


def test_names_have_namespaces_of_their_own(spawn: Spawn) -> None:
    """Each name is another network namespace, none of them the machine's, and opening gives the same one again."""
    keeper = spawn("a", "b")
    machine = os.stat("/proc/self/ns/net").st_ino
    seen = [inode(opened) for opened in keeper.open(["a", "b", "a"])]
    assert 3 == len({machine, *seen})
    assert seen[0] == seen[2]
    assert {"a", "b"} == keeper.names()


def test_an_opened_name_is_cached_until_it_is_dropped(spawn: Spawn) -> None:
    """The same pair is returned every time; a name that is dropped and made anew has another one, and the old descriptors are closed."""
    keeper = spawn("a")
    first, again = keeper.open(["a"])[0], keeper.open(["a"])[0]
    assert first is again
    keeper.drop(["a"])
    assert -1 == first.rtnetlink.fileno()
    keeper.create(["a"])
    assert first is not keeper.open(["a"])[0]


def test_the_route_socket_is_inside(spawn: Spawn) -> None:
    """A link made over the socket of `a` exists in `a` and not in `b`."""
    keeper = spawn("a", "b")
    Witness(keeper, "a")
    assert "near" in keeper.run("a", ["ip", "-o", "link"]).stdout
    assert "near" not in keeper.run("b", ["ip", "-o", "link"]).stdout


def test_what_was_begun_is_taken_in_by_create(spawn: Spawn) -> None:
    """Names that the keeper was told to begin are there once they are created, with all others, whatever was asked meanwhile."""
    keeper, names = spawn(), [f"n{number}" for number in range(130)]
    keeper.begin(names)
    assert set(names[:100]) == keeper.names()
    keeper.create(names)
    assert len(names) == len({inode(opened) for opened in keeper.open(names)})


def test_a_beginning_that_is_refused_fails_when_it_is_created(spawn: Spawn) -> None:
    """The reason is told then, nothing of it is left, and the keeper answers on; closing lets go of what nobody took in."""
    keeper = spawn("n1")
    keeper.begin(["n0", "n1"])
    with pytest.raises(LabError, match="n1: File exists"):
        keeper.create(["n0", "n1"])
    assert {"n1"} == keeper.names()
    before = len(os.listdir("/proc/self/fd"))
    keeper.begin(["n2"])
    assert {"n1", "n2"} == keeper.names()
    keeper.close()
    assert before - 3 == len(os.listdir("/proc/self/fd"))


def test_all_or_none_are_created(spawn: Spawn) -> None:
    """If one name of many exists already, even in a later message, none of them is made."""
    keeper = spawn("n150")
    with pytest.raises(LabError, match="n150: File exists"):
        keeper.create([f"n{number}" for number in range(160)])
    assert {"n150"} == keeper.names()


@pytest.mark.parametrize("ask", ["open", "sockets", "drop", "run", "view", "read", "write"])
def test_an_unknown_name_is_not_found(spawn: Spawn, ask: str) -> None:
    """Every question about a name nobody holds ends in the same error, and the keeper goes on."""
    keeper = spawn("a")
    questions: dict[str, Callable[[], object]] = {
        "open": lambda: keeper.open(["a", "zz"]), "sockets": lambda: keeper.sockets([("a", 2, 2, 0), ("zz", 2, 2, 0)]),
        "drop": lambda: keeper.drop(["zz"]), "run": lambda: keeper.run("zz", ["true"]), "view": lambda: keeper.view("zz"),
        "read": lambda: keeper.read_sysctls([("zz", "net.ipv4.ip_forward")]),
        "write": lambda: keeper.write_sysctls([("zz", "net.ipv4.ip_forward", "1")]),
    }
    with pytest.raises(NotFoundError, match="zz"):
        questions[ask]()
    assert {"a"} == keeper.names()


def test_sockets_are_made_inside_in_the_order_asked(spawn: Spawn) -> None:
    """300 sockets, more than one message carries, are each bound in their own namespace: the same port is free everywhere."""
    names = [f"n{number}" for number in range(30)]
    keeper = spawn(*names)
    made = keeper.sockets([(name, socket.AF_UNIX, socket.SOCK_DGRAM, 0) for name in names for _ in range(10)])
    try:
        for at, one in enumerate(made):
            one.bind(f"\0{at % 10}")  # abstract names belong to the network namespace
        assert 300 == len(made)
        assert {(socket.AF_UNIX, socket.SOCK_DGRAM)} == {(one.family, one.type) for one in made}
        assert [False] == sorted({one.get_inheritable() for one in made})
    finally:
        for one in made:
            one.close()


def test_a_raw_socket_needs_no_privilege_of_ours(spawn: Spawn) -> None:
    """The keeper opens what the caller may not: a raw ICMP socket in the namespace, as an ordinary user too."""
    (raw,) = spawn("a").sockets([("a", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)])
    with raw:
        assert socket.IPPROTO_ICMP == raw.proto


def test_a_refused_socket_is_a_kernel_error(spawn: Spawn) -> None:
    """An address family the kernel lacks is reported with its errno, and no descriptor leaks."""
    keeper = spawn("a")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(KernelError) as caught:
        keeper.sockets([("a", socket.AF_INET, socket.SOCK_STREAM, 0), ("a", 99, socket.SOCK_STREAM, 0)])
    assert errno.EAFNOSUPPORT == caught.value.errno
    assert before == len(os.listdir("/proc/self/fd"))


def test_sysctls_belong_to_one_namespace(spawn: Spawn) -> None:
    """What is written in `a` is read in `a` and not in `b`; a key the kernel lacks is None."""
    keeper = spawn("a", "b")
    key = "net.ipv4.conf.all.accept_local"
    keeper.write_sysctls([("a", key, "1"), ("b", key, "0"), ("a", "net.ipv4.tcp_rmem", "4096 50000 60000")])
    further = ["net.no.such", "kernel.hostname", "net.ipv4.tcp_rmem", "net.ipv4.route.flush"]
    asked = [("a", key), ("b", key), *[("a", one) for one in further]]
    assert ["1", "0", None, None, "4096\t50000\t60000", None] == keeper.read_sysctls(asked)


def test_many_sysctls_take_several_messages(spawn: Spawn) -> None:
    """Ten thousand questions are answered in order."""
    keeper = spawn("a", "b")
    keeper.write_sysctls([("b", "net.ipv4.ip_forward", "1"), ("a", "net.ipv4.ip_forward", "0")])
    asked = [("a" if number % 3 else "b", "net.ipv4.ip_forward") for number in range(10_000)]
    assert ["0" if number % 3 else "1" for number in range(10_000)] == keeper.read_sysctls(asked)


def test_the_first_refused_write_is_named(spawn: Spawn) -> None:
    """A value the kernel refuses raises with key, value, namespace and errno; what came before it is written."""
    keeper = spawn("a")
    with pytest.raises(KernelError, match=r"set net.ipv4.ip_forward = maybe in a") as caught:
        keeper.write_sysctls([("a", "net.ipv4.conf.all.accept_local", "1"), ("a", "net.ipv4.ip_forward", "maybe")])
    assert (errno.EINVAL, ["1"]) == (caught.value.errno, keeper.read_sysctls([("a", "net.ipv4.conf.all.accept_local")]))


def test_a_dropped_namespace_is_freed(spawn: Spawn) -> None:
    """Nothing of the keeper or the client pins a namespace that was dropped, though a process ran in it and sockets were cached."""
    keeper = spawn("a", "b")
    keeper.view("a").close()
    witness = Witness(keeper, "a")
    keeper.drop(["a"])
    assert witness.sees_the_end()
    assert {"b", "witness"} == keeper.names()


def test_a_command_runs_inside(spawn: Spawn) -> None:
    """Output, error output, standard input and status of a short command come back, also in bulk."""
    keeper = spawn("a")
    bulk = "line\n" * 200_000
    done = keeper.run("a", ["sh", "-c", "cat; echo problem >&2; exit 3"], bulk)
    assert (3, bulk, "problem\n") == (done.status, done.stdout, done.stderr)


def test_a_command_that_does_not_exist_is_127(spawn: Spawn) -> None:
    """As in a shell."""
    done = spawn("a").run("a", ["no-such-command"])
    assert (127, "vethlab: no-such-command: command not found\n") == (done.status, done.stderr)


def test_threads_share_a_keeper(spawn: Spawn) -> None:
    """Requests of many threads at once each get their own answer."""
    names = [f"n{number}" for number in range(8)]
    keeper = spawn(*names)
    keeper.write_sysctls([(name, "net.ipv4.ip_default_ttl", str(10 + at)) for at, name in enumerate(names)])
    wrong: list[object] = []

    def ask(at: int) -> None:
        for _ in range(50):
            answer = keeper.read_sysctls([(names[at], "net.ipv4.ip_default_ttl")])
            if answer != [str(10 + at)]:
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong


def test_an_unread_reply_is_not_taken_for_the_next(spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C in the middle of a request the next one gets its own reply."""
    keeper = spawn("a")
    channel = keeper._channel

    def interrupted() -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(channel, "_next", interrupted)
        with pytest.raises(KeyboardInterrupt):
            keeper.run("a", ["echo", "old"])
    assert "new\n" == keeper.run("a", ["echo", "new"]).stdout


def test_scopes_are_labs_of_their_own(mode: Mode) -> None:
    """Two scopes of one unnamed keeper may use the same names without meeting."""
    with Keeper.spawn(None, mode) as keeper:
        one, two = keeper.scope("x"), keeper.scope("x")
        one.create(["a", "b"])
        two.create(["a"])
        assert [["a", "b"], ["a"], []] == [sorted(held.names()) for held in (one, two, keeper)]
        assert inode(one.open(["a"])[0]) != inode(two.open(["a"])[0])
        one.drop(["a"])
        assert [["b"], ["a"]] == [sorted(held.names()) for held in (one, two)]
        one.close()
        two.close()


def test_the_client_needs_no_heavy_modules() -> None:
    """Holding a lab is on the way of every command: no subprocess, asyncio or json."""
    script = "import sys; from vethlab.keep import client; print(*{'subprocess', 'asyncio', 'json', 'rich', 'click'} & set(sys.modules))"
    reader = os.popen(f'{sys.executable} -c "{script}"')  # noqa: S605 - fixed text
    assert "\n" == reader.read()
    reader.close()
