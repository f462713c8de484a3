"""The labs that are brought up, interrupted and killed: every kind of thing a lab can have, and long enough in the making to be hit."""

from tests.kernel.survival.machine import Machine, until

EVERYTHING = """\
nodes:
  n1..16: {}
  s:
    run: "(setsid setsid sh -c 'sleep 1001; :' &) ; sleep 1002; :"
    sysctl: {net.ipv4.ip_forward: 1}
    nft: |
      table inet t {
        chain c { type filter hook input priority 0; policy accept; }
      }
  r: {forward: true, run: "sleep 1003; :"}
links:
  - r 10.8.0.1/24 -- s 10.8.0.2/24
networks:
  br0: {subnet: 10.7.0.0/24, nodes: [n1..16, s]}
  br1: {subnet: 10.6.0.0/24, nodes: [n1..16]}
"""
PAIR = "links:\n  - a 10.0.0.1/24 -- b 10.0.0.2/24\n"
GROWN = PAIR + """\
  - a 10.3.0.1/24 -- c 10.3.0.2/24
networks:
  br0: {subnet: 10.7.0.0/24, nodes: [n1..16, s]}
nodes: {a: {}, b: {}, c: {}, n1..16: {}, s: {run: "sleep 1002; :", sysctl: {net.ipv4.ip_forward: 1}}}
"""
SLEEPERS = ("sleep\x001001", "sleep\x001002", "sleep\x001003")


def sleepers(here: Machine) -> list[str]:
    """The commands of `run:` that live, daemons among them."""
    found = here.processes().values()
    return sorted(word for word in SLEEPERS if any(command.startswith(word) for command in found))


def all_sleep(here: Machine) -> None:
    """Every command of EVERYTHING lives, the daemon too, which comes up a moment after its parent."""
    until(lambda: sleepers(here) == list(SLEEPERS), lambda: f"only {sleepers(here)} live")
