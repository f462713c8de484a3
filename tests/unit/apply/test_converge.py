"""Carrying a plan out, proving it, and putting things back: against the fake kernel with injected faults."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from tests.topologies import campus, direct

from vethlab import change as ops
from vethlab.apply.convergence import Goal, converge
from vethlab.change import Change
from vethlab.errors import BuildError, KernelError
from vethlab.kernel.fake import Fake
from vethlab.model.state import State
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff


def running() -> Fake:
    """A fake kernel that holds `campus`."""
    kernel = Fake()
    kernel.apply(diff(State(), desired(campus())))
    return kernel


def bigger() -> Goal:
    """Campus with larger frames and one node less: many changes."""
    lab = campus()
    network = replace(lab.networks[0], mtu=9000, ports=lab.networks[0].ports[1:])
    return Goal(desired(replace(lab, networks=(network,), nodes=lab.nodes[1:])))


def everything(kernel: Fake, goal: Goal) -> State:
    """All that is held, as `before` has to show it."""
    keys = [(name, key) for name, one in kernel.spaces.items() for key in one.sysctls]
    return kernel.read(kernel.names(), [*keys, *goal.sysctls()])


def test_a_new_lab_is_built_and_verified() -> None:
    """All changes are applied and reported."""
    kernel = Fake()
    changes = converge(kernel, State(), Goal(desired(direct()), new=True))
    assert tuple(kernel.applied) == changes
    assert () == converge(kernel, everything(kernel, Goal(desired(direct()))), Goal(desired(direct())))


@pytest.mark.parametrize("position", range(1, 10))
def test_a_change_that_fails_is_rolled_back(position: int) -> None:
    """Whichever change the kernel refuses, the state before comes back (new indexes of rebuilt links aside)."""
    kernel, goal = running(), bigger()
    before = everything(kernel, goal)
    total = len(diff(before, goal.state))
    kernel.fail_at = len(kernel.applied) + position
    if position > total:
        pytest.skip(f"the plan has only {total} changes")
    with pytest.raises(BuildError, match="injected"):
        converge(kernel, before, goal)
    assert () == diff(everything(kernel, Goal(before)), before)


def test_an_interrupt_is_rolled_back_and_passed_on() -> None:
    """Ctrl-C half-way leaves the lab as it was."""
    class Interrupted(Fake):
        def apply(self, changes: Sequence[Change]) -> None:
            half = changes[: len(changes) // 2]
            super().apply(half)
            if not self.interrupted and len(changes) > 2:
                self.interrupted = True
                raise KeyboardInterrupt
            super().apply(changes[len(half) :])

        interrupted = True

    kernel = Interrupted()
    kernel.apply(diff(State(), desired(campus())))
    before = everything(kernel, bigger())
    kernel.interrupted = False
    with pytest.raises(KeyboardInterrupt):
        converge(kernel, before, bigger())
    assert () == diff(everything(kernel, Goal(before)), before)


def test_what_the_kernel_took_along_is_repaired() -> None:
    """A secondary address goes with its primary; the second pass brings it back."""
    from ipaddress import ip_interface

    lab = direct()
    left = replace(lab.cables[0].left, addresses=(ip_interface("30.1.1.10/24"), ip_interface("30.1.1.20/24")))
    two = replace(lab, cables=(replace(lab.cables[0], left=left),))
    one = replace(lab, cables=(replace(lab.cables[0], left=replace(left, addresses=left.addresses[1:])),))
    kernel = Fake()
    kernel.apply(diff(State(), desired(two)))
    goal = Goal(desired(one))
    converge(kernel, everything(kernel, goal), goal)
    assert {"30.1.1.20/24"} == {str(held.address) for held in kernel.spaces["ns1"].addresses if held.address.version == 4}


class Stubborn(Fake):
    """Says yes to everything about MTUs and does nothing."""

    def read(self, names: Iterable[str], sysctls: Iterable[tuple[str, str]] = ()) -> State:
        """Every veth at the default MTU, whatever was asked for."""
        seen = super().read(names, sysctls)
        return State({
            name: replace(one, links={key: replace(link, mtu=1500) if link.kind == "veth" else link for key, link in one.links.items()})
            for name, one in seen.netns.items()
        })


def test_a_difference_that_stays_is_an_error() -> None:
    """A kernel that does not do what it was told is found out by reading back."""
    kernel = Stubborn()
    kernel.apply(diff(State(), desired(direct())))
    lab = direct()
    goal = Goal(desired(replace(lab, cables=(replace(lab.cables[0], mtu=9000),))))
    with pytest.raises(BuildError, match="not as declared") as caught:
        converge(kernel, kernel.read(kernel.names()), goal)
    assert "not-converged" == caught.value.slug


def test_a_rollback_that_fails_says_so() -> None:
    """Two failures are told as two."""
    kernel, goal = running(), bigger()
    before = everything(kernel, goal)
    kernel.fail_at, kernel.fail_read_at = len(kernel.applied) + 3, 3
    with pytest.raises(BuildError, match="rolling back failed too") as caught:
        converge(kernel, before, goal)
    assert "rollback-failed" == caught.value.slug


def test_a_rollback_that_leaves_something_says_what() -> None:
    """If reading back after a rollback shows differences, the first is named."""
    class Refusing(Fake):
        """Carries out the first half of anything, then nothing at all."""

        def apply(self, changes: Sequence[Change]) -> None:
            super().apply(changes[: len(changes) // 2])
            self.apply = self.refuse  # type: ignore[method-assign]
            raise KernelError("add", "anything", errno.ENOMEM, "injected")

        def refuse(self, changes: Sequence[Change]) -> None:
            """Say yes and do nothing."""

    kernel, goal = Refusing(running().read(["host", "a", "b", "c", "r", "d"])), bigger()
    with pytest.raises(BuildError, match=r"rolling back left \d+ differences") as caught:
        converge(kernel, everything(kernel, goal), goal)
    assert "rollback-failed" == caught.value.slug


class Slow(Fake):
    """A kernel whose ports begin to forward a moment after they were made; those that are there from the beginning do already."""

    def read(self, names: Iterable[str], sysctls: Iterable[tuple[str, str]] = ()) -> State:
        """Each port of a bridge with its state."""
        seen = super().read(names, sysctls)
        state = 0 if self.applied else 3
        return State({
            name: replace(one, links={
                key: link if link.port is None else replace(link, port=replace(link.port, state=state)) for key, link in one.links.items()
            })
            for name, one in seen.netns.items()
        })


def test_a_port_that_does_not_forward_yet_is_no_difference() -> None:
    """What is put back is whole although its ports, made anew, are still to come up by themselves."""
    kernel, goal = Slow(running().read(["host", "a", "b", "c", "r", "d"])), bigger()
    before = everything(kernel, goal)
    kernel.fail_at = 5
    with pytest.raises(BuildError, match="injected") as caught:
        converge(kernel, before, goal)
    assert "rollback-failed" != caught.value.slug


def test_a_failed_new_lab_is_not_rolled_back_by_hand() -> None:
    """A lab that is being made is dropped as a whole by whoever holds it; nothing more is applied."""
    kernel = Fake(fail_at=5)
    with pytest.raises(BuildError, match="injected"):
        converge(kernel, State(), Goal(desired(direct()), new=True))
    assert 4 == len(kernel.applied)


class Busy(Fake):
    """A kernel in which a `run:` brings its interface down the moment it starts."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Execute, and let the command do what it does."""
        for one in changes:
            super().apply([one])
            if isinstance(one, ops.StartProcess):
                self.put_link(one.netns, replace(self.spaces[one.netns].links["lo"], up=False))


@pytest.mark.parametrize("grown", [False, True])
def test_what_a_process_does_to_interfaces_is_no_difference(grown: bool) -> None:
    """Processes start once everything else has been verified, in a new lab and in a running one; what they then change stays."""
    lab, kernel = direct(), Busy()
    goal = Goal(desired(replace(lab, nodes=tuple(replace(node, run="busy") for node in lab.nodes))), new=not grown)
    if grown:
        kernel.apply(diff(State(), desired(lab)))
    changes = converge(kernel, everything(kernel, goal), goal)
    starts = [one for one in changes if isinstance(one, ops.StartProcess)]
    assert (2, tuple(starts)) == (len(starts), tuple(kernel.applied[-2:]))
    assert [False, False] == [kernel.spaces[one.netns].links["lo"].up for one in starts]


def test_a_process_that_cannot_start_is_rolled_back() -> None:
    """The refusal comes after verification and undoes the change all the same; processes of before run again."""
    lab = direct()
    old = desired(replace(lab, nodes=tuple(replace(node, run="old") for node in lab.nodes)))
    kernel = Fake()
    kernel.apply(diff(State(), old))
    goal = Goal(desired(replace(lab, nodes=tuple(replace(node, run="new") for node in lab.nodes))))
    kernel.fail_at = len(kernel.applied) + 3
    with pytest.raises(BuildError, match="injected"):
        converge(kernel, everything(kernel, goal), goal)
    assert ({"old"}, ()) == ({one.command for space in kernel.spaces.values() for one in space.processes},
                             diff(everything(kernel, Goal(old)), old))
