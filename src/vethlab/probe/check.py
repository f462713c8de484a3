"""All paths of a check, from readiness to the report. `run` is the whole journey on one screen.

Enters: paths (plan.paths), the namespaces; leaves: a Report in the order of the paths. Rule of the file: order of work only; how one
kind of path is probed is in the file of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path, Report
from vethlab.probe.judge import foregone, judge
from vethlab.probe.listening import wait_for_listeners
from vethlab.probe.loans import sweep
from vethlab.probe.readiness import wait_for_groups, wait_for_links
from vethlab.probe.survey import asking, read_site, survey
from vethlab.probe.turn import Turn
from vethlab.probe.waves import Waves

TIMEOUT = 1.0


def run(paths: Sequence[Path], namespaces: Namespaces, *, timeout: float = TIMEOUT, notes: Sequence[str] = ()) -> Report:
    """Probe every path with real packets. `timeout` (seconds) is how long a reply may take; `notes` are put in front of the report's own.

    Uses no signals, no threads and no global state. Failures are results; NotFoundError and HostError come from the namespaces.
    """
    start = perf_counter()
    sites = {}
    for name, connection in asking(namespaces, sorted(namespaces.names())):
        sites[name] = read_site(connection)
        sweep(connection, namespaces.joined.get(name))
    todo = dict(enumerate(paths))
    seen = wait_for_links(namespaces, survey(sites), todo)
    wait_for_groups(namespaces, seen, todo)
    outcomes = foregone(todo, seen)
    todo = {position: path for position, path in todo.items() if position not in outcomes}
    outcomes |= wait_for_listeners(todo, namespaces)
    todo = {position: path for position, path in todo.items() if position not in outcomes}
    said = list(notes)
    if todo:
        waves = Waves(namespaces, seen, timeout=timeout)
        outcomes |= waves.run(todo, Turn(namespaces, seen, timeout=timeout).run)
        said += waves.notes
    results = tuple([judge(path, outcomes[position]) for position, path in enumerate(paths)])
    return Report(results, perf_counter() - start, tuple(said))
