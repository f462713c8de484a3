"""Rules in words, from what nft 1.0.6 printed: text, verdict, position, counter."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from typing import Any, cast

import pytest

from vethlab.errors import HostError, KernelError
from vethlab.kernel.nft_rules import RuleText, rule_text, written
from vethlab.kernel.port import Finished, Namespaces
from vethlab.kernel.rulesets import Loaded, current

CHAIN = """table inet x { # handle 4
	chain rej { # handle 2
		comment "the {chain"
		type filter hook input priority filter; policy drop;
		counter packets 3 bytes 84 reject comment "why } {" # handle 7
		counter name "cc" log prefix "x # handle 9" drop # handle 8
		ip saddr { 10.0.0.0/7, 192.168.33.0/28 } drop # handle 10
		ip saddr 9.9.9.9 jump {
			ip daddr 8.8.8.8 drop
			accept
		} # handle 16
		meta mark set 0x00000004 # handle 17
	}
}
"""
MATCH = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "9.9.9.9"}}
EXPRESSIONS: dict[int, list[Any]] = {
    7: [{"counter": {"packets": 3, "bytes": 84}}, {"reject": {"type": "icmpx", "expr": "port-unreachable"}}],
    8: [{"counter": "cc"}, {"log": {"prefix": "x"}}, {"drop": None}],
    10: [MATCH, {"drop": None}],
    16: [MATCH, "jump {\n\t\t\tip daddr 8.8.8.8 drop\n\t\t\taccept\n\t\t}"],
    17: [{"xt": {"type": "target", "name": "REJECT"}}],
}
TABLE = json.dumps({"nftables": [
    {"metainfo": {"version": "1.0.6"}}, {"counter": {"name": "other", "packets": 1}}, {"counter": {"name": "cc", "packets": 7}},
    {"rule": {"chain": "before", "handle": 3, "expr": [{"accept": None}]}},
    *({"rule": {"chain": "rej", "handle": handle, "expr": inside}} for handle, inside in EXPRESSIONS.items()),
]})


class Nft:
    """A node whose nft prints what it is told to, of the table (or the whole ruleset) and of a chain."""

    def __init__(self, table: Finished, chain: Finished) -> None:
        self.table, self.chain = table, chain

    def run(self, _name: str, argv: Sequence[str], _stdin: str = "") -> Finished:
        """What nft prints."""
        return self.chain if "chain" in argv else self.table


def node(table: Finished, chain: Finished = Finished(0, CHAIN, "")) -> Namespaces:  # noqa: B008 - frozen
    """A double in the place of Namespaces."""
    return cast("Namespaces", Nft(table, chain))


def rule(handle: int) -> RuleText | None:
    """The rule of the recorded table with a handle."""
    return rule_text(node(Finished(0, TABLE, "")), "b", "inet", "x", handle)


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (7, RuleText('counter packets 3 bytes 84 reject comment "why } {"', "rej", True, True, 0, 3)),
        (8, RuleText('counter name "cc" log prefix "x # handle 9" drop', "rej", False, True, 1, 7)),
        (10, RuleText("ip saddr { 10.0.0.0/7, 192.168.33.0/28 } drop", "rej", False, False, 2, None)),
        (16, RuleText("ip saddr 9.9.9.9 jump { ip daddr 8.8.8.8 drop; accept; }", "rej", False, False, 3, None)),
        (17, RuleText("meta mark set 0x00000004", "rej", True, True, 4, None)),
        (9, None), (3, None),
    ],
)
def test_a_rule_is_told(handle: int, expected: RuleText | None) -> None:
    """Its text on one line, whether it rejects, whether it is for everybody, its place, its counter; None where nft lists none."""
    assert expected == rule(handle)


def test_a_handle_in_a_comment_is_no_handle() -> None:
    """Only the end of a line names the rule."""
    assert None is written(CHAIN, 9)


def test_a_table_that_is_gone_has_no_rules() -> None:
    """What was removed since the trace is None, any other complaint is an error, a missing nft has its slug."""
    gone = Finished(1, "", "Error: No such file or directory\nlist table inet zz\n                ^^\n")
    assert None is rule_text(node(gone), "b", "inet", "zz", 3)
    with pytest.raises(KernelError) as refused:
        rule_text(node(Finished(1, "", "Error: syntax error")), "b", "inet", "x", 3)
    with pytest.raises(HostError) as missing:
        rule_text(node(Finished(127, "", "")), "b", "inet", "x", 3)
    assert (errno.EINVAL, "no-nft") == (refused.value.errno, missing.value.slug)


def test_a_trace_is_no_change_of_the_ruleset() -> None:
    """While a node is traced, its ruleset counts as unchanged: a table that traces is left out of the listing."""
    own = "table inet x {\n\tchain i {\n\t\taccept\n\t}\n}\n"
    ours = "table {} vethlab-trace-12-ab {{ # progname python3\n\tflags owner\n\n\tchain on-output-0 {{\n\t}}\n}}\n"
    listing = ours.format("inet") + own + ours.format("netdev")
    assert "as written" == current(node(Finished(0, listing, "")), "b", Loaded("as written", own))
