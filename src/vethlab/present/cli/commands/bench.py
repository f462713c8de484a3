"""`vethlab bench [LAB]`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import labs, labs_and_files
from vethlab.present.cli.terminal import progress, screen

if TYPE_CHECKING:
    from vethlab.lab.benching import Row, Streams
    from vethlab.probe.speed import Figures

__all__ = ["command"]

ALL = "direct, bridge, ovs, vxlan, routed, macvlan, or all"
EXAMPLES = ("vethlab bench", "vethlab bench --from a --to b", "vethlab bench --planes direct,bridge", "vethlab bench --planes all -o json")


@verb("bench", examples=EXAMPLES)
@click.argument("lab", required=False, shell_complete=labs_and_files)
@option("-l", "--lab", "named", metavar="LAB", shell_complete=labs, help="The running lab.")
@option("--from", "src", setting=False, metavar="NODE", help="The node that sends; the lab's first otherwise.")
@option("--to", "dst", setting=False, metavar="NODE", help="The node that receives; the lab's last otherwise.")
@option("--planes", setting=False, metavar="NAMES", help=f"Build two nodes on each of these instead: {ALL}.")
@option("--with", "tool", setting=False, type=click.Choice(["iperf3", "own"]), metavar="TOOL",
        help="Who makes the streams, iperf3 or own sockets; iperf3 where it is installed.")
@option("--seconds", setting=False, type=click.FloatRange(0.1, 60), default=1.0, metavar="SECONDS", help="How long each stream lasts (1).")
@output("text", "json")
def command(  # noqa: PLR0913, PLR0917 - a parameter for each option
    lab: str | None, named: str | None, output: str, src: str | None, dst: str | None, planes: str | None, tool: str | None,
    seconds: float,
) -> int:
    """Measure round trips and throughput, of a lab or of data planes side by side.

    Round trips over sockets of vethlab's own, one TCP stream and UDP datagrams of 1,400 bytes by iperf3 where it is installed (in whole
    seconds), over own sockets elsewhere. Only the ratios to loopback of the same machine, measured with the same tool, mean anything on
    another one. Exit status 1 if a plane could not be measured; that one cannot be tuned is no failure.
    """
    from vethlab.lab import benching

    by = benching.streams(tool)
    if planes is not None:
        if lab or named or src or dst:
            raise UsageError("`--planes` builds labs of its own", help="leave LAB, --from and --to away")
        names = list(benching.PLANES) if planes == "all" else planes.split(",")
        rows = _collected(benching.planes(names, seconds=seconds, by=by))
    else:
        rows = _collected(benching.bench(running(lab or named), src, dst, seconds=seconds, by=by))
    if output == "json":
        _document(rows, by, seconds)
    else:
        _show(rows, by, seconds)
    return 1 if any(row.figures is None and not row.tuned for row in rows) else 0


def _collected(rows: Iterable[Row]) -> list[Row]:
    with progress("measuring"):
        return list(rows)


def _document(rows: list[Row], by: Streams, seconds: float) -> None:
    from vethlab.present.cli.document import emit

    base = rows[0].figures
    emit("bench", {"with": by.name, "version": by.version or None, "seconds": by.lasts(seconds), "rows": [
        {
            "plane": row.plane, "tuned": row.tuned, "refused": row.refused or None,
            **(_numbers(row.figures) if row.figures is not None else {}),
            "ratio": _ratios(row.figures, base) if row.figures is not None and base is not None else None,
        }
        for row in rows
    ]})


def _numbers(figures: Figures) -> dict[str, float]:
    return {"rtt_us": round(figures.rtt_us, 2), "tcp_bps": round(figures.tcp), "udp_bps": round(figures.udp)}


def _ratios(figures: Figures, base: Figures) -> dict[str, float]:
    found = {"rtt": figures.rtt_us / base.rtt_us, "tcp": figures.tcp / base.tcp, "udp": figures.udp / base.udp}
    return {key: float(f"{value:.3g}") for key, value in found.items()}


def _few(value: float) -> str:
    """Two digits behind the point, or, of a slow link, the first two that say something."""
    return f"{value:.2f}" if value >= 0.1 or not value else f"{value:.2g}"


def _show(rows: list[Row], by: Streams, seconds: float) -> None:
    from vethlab.present.cli.table import print_table

    terminal, base, lines = screen(), rows[0].figures, []
    for row in rows:
        name = f"{row.plane}{' tuned' if row.tuned else ''}"
        if row.figures is None or base is None:
            lines.append([name, terminal.mark("none"), "", "", "", "", row.refused])
            continue
        one, ratio = row.figures, _ratios(row.figures, base)
        lines.append([
            name, f"{one.rtt_us:.1f} us", *map(_few, (one.tcp / 1e9, one.udp / 1e9, ratio["rtt"], ratio["tcp"], ratio["udp"])),
        ])
    print_table(terminal, ["PLANE", "RTT", "TCP Gbit/s", "UDP Gbit/s", "RTT/lo", "TCP/lo", "UDP/lo"], lines)
    tool = f"iperf3 {by.version}".rstrip() if by.program else "vethlab's own sockets"
    terminal.line(terminal.paint(f"streams of {by.lasts(seconds):g} s by {tool}; round trips by vethlab's own sockets", "dim"))
