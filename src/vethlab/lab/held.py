"""A lab that somebody holds: its keeper, its namespaces, and what was recorded when it was made.

Enters: a name; leaves: what `exec`, `check`, `ls` and `down` need of a running lab. Rule of the file: no engine. Planning and changing
are imported by those who plan and change, because they cost as much as everything else together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vethlab import spec
from vethlab.errors import NotFoundError
from vethlab.keep.client import Keeper, Scope
from vethlab.keep.record import Record
from vethlab.model.names import HOST

if TYPE_CHECKING:
    from vethlab.model.topology import Topology


@dataclass(slots=True)
class Held:
    """One running lab as this process sees it. `detached`: it has a keeper of its own and outlives this process."""

    keeper: Keeper
    namespaces: Scope
    record: Record
    detached: bool

    @classmethod
    def attach(cls, name: str) -> Held:
        """The running lab of that name. NotFoundError if there is none, which tells root whose it is if it is somebody else's."""
        try:
            keeper = Keeper.connect(name)
        except NotFoundError as error:
            from vethlab.keep.registry import found_labs  # noqa: PLC0415 - only to explain

            owners = sorted({found.uid for found in found_labs() if found.name == name} - {os.getuid()})
            if owners:
                error.help = f"a lab of that name belongs to uid {owners[0]}: only its owner enters it"
            raise
        return cls.adopt(keeper)

    @classmethod
    def adopt(cls, keeper: Keeper) -> Held:
        """The lab of a keeper one is connected to."""
        try:
            record = Record.decode(keeper.get_record())
            if record.machine:
                keeper.joined[record.joins] = record.machine
            if record.switch:
                keeper.switches[HOST] = record.switch
            return cls(keeper, keeper, record, detached=True)
        except BaseException:
            keeper.close()
            raise

    def refresh(self) -> None:
        """The record as it is now; another process may have written it since."""
        if self.detached:
            self.record = Record.decode(self.keeper.get_record())

    def declared(self) -> Topology:
        """What the lab was brought up with last."""
        return spec.loads(self.record.text, self.record.file or "<python>")

    def current(self) -> Topology:
        """What the lab is meant to be now: as declared, with the live changes that no file says."""
        return spec.loads(self.record.live, self.record.file or "<python>") if self.record.live else self.declared()

    def warnings(self, topology: Topology) -> tuple[str, ...]:
        """What the machine refused, and what of its settings stands in the lab's way."""
        if not self.record.machine:
            return self.keeper.warnings
        from vethlab.lab import machine  # noqa: PLC0415 - labs with `host: machine` only

        return (*self.keeper.warnings, *machine.lacks(self.namespaces, topology))

    def end(self, *, wait: bool) -> None:
        """Take the lab down. `wait`: until the kernel has freed everything, not only until nothing runs in it any more."""
        if self.detached:
            if os.geteuid() == 0:
                from vethlab.keep import names  # noqa: PLC0415 - root's option

                names.remove(self.record.lab)
            self._leave_switch()
            self.keeper.end(wait=wait)
            self._sweep()
            return
        freeing = None
        if wait:
            from vethlab.kernel.freed import watch_freeing  # noqa: PLC0415 - only for those who wait

            freeing = watch_freeing(self.namespaces)
        self._leave_switch()
        self.namespaces.drop(sorted(self.namespaces.names()))
        self.namespaces.close()
        if freeing is not None:
            freeing.wait()
        self._sweep()

    def _leave_switch(self) -> None:
        """Take its bridges off the machine's Open vSwitch first, so that this does not miss their ports, and wait until it has done so."""
        if self.record.switch:
            from vethlab.lab import sharing  # noqa: PLC0415 - labs on the machine's Open vSwitch only

            sharing.leave(self.record.switch, self.record.machine)

    def _sweep(self) -> None:
        """What is left on the machine, where the keeper could not take it away."""
        if self.record.machine:
            from vethlab.lab import machine  # noqa: PLC0415 - labs with `host: machine` only

            machine.sweep(self.record.machine, switch=self.record.switch)


def here() -> str:
    """The current directory, `/` where it was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 - no pathlib on this path
    except FileNotFoundError:
        return "/"
