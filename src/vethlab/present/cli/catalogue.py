"""Which commands exist: name, module, one line of help; and which come later.

Rule of the file: data only, so that `vethlab --help` and `vethlab version` load no command but their own.
"""

from __future__ import annotations

__all__ = ["COMMANDS", "LATER", "PACKAGE", "SECTIONS"]

PACKAGE = "vethlab.present.cli.commands"

SECTIONS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("The lab file", (
        ("init", "init", "Write a lab file from a template."),
        ("validate", "validate", "Say every mistake in a lab file, touching nothing."),
        ("schema", "schema", "Print the JSON Schema of lab files, for editors."),
    )),
    ("The lab", (
        ("plan", "plan", "Show what `up` would change."),
        ("up", "up", "Make the network what its file says."),
        ("down", "down", "Take a lab away."),
        ("clean", "clean", "Remove what a crash left behind."),
        ("ls", "ls", "List the running labs."),
        ("show", "show", "Show one lab: nodes, interfaces, addresses, processes."),
    )),
    ("In the lab", (
        ("check", "check", "Prove with real packets that the paths work."),
        ("why", "why", "Say why a packet does not arrive."),
        ("trace", "trace", "Show the way a packet takes, there and back."),
        ("fix", "fix", "Mend what `why` found, and prove it."),
        ("link", "link", "Change a link of the running lab: down, narrow, slow, one more, one less."),
        ("bench", "bench", "Measure round trips and throughput, of a lab or of data planes side by side."),
        ("watch", "watch", "Show where packets die, as it happens."),
        ("capture", "capture", "Show or record the packets of the whole lab."),
        ("sh", "sh", "Open a shell in a node."),
        ("exec", "exec", "Run a command in a node."),
        ("run", "run", "Bring a lab up for one command, and down after it."),
    )),
    ("Help", (
        ("tour", "tour", "Walk through six networks: a cable that fails, a cable, a bridge, Open vSwitch, docker0, an overlay."),
        ("doctor", "doctor", "Say what this machine lacks, what it costs, how to get it."),
        ("explain", "explain", "Explain a word: a finding, a sysctl, a drop reason, a lab-file key, an error."),
        ("completion", "completion", "Print the shell's completion script."),
        ("version", "version", "Print the version."),
    )),
)

COMMANDS: dict[str, tuple[str, str]] = {name: (f"{PACKAGE}.{module}", line) for _, rows in SECTIONS for name, module, line in rows}

LATER: dict[str, str] = {
    "diff": "compare two states of a lab",
    "serve": "show a lab in the browser",
}
