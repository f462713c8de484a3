"""A report as JUnit XML, the form every CI reads: one test case for each path.

Rule of the file: the elements and attributes of the common JUnit schema only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from vethlab.present.cli.causes import reason
from vethlab.present.cli.paths import label

if TYPE_CHECKING:
    from vethlab.model.path import Report

__all__ = ["write"]


def write(path: str, lab: str, report: Report) -> None:
    """Write the file. OSError if it cannot be written."""
    failures = sum(not result.passed for result in report.results)
    counts = {"tests": str(len(report.results)), "failures": str(failures), "errors": "0", "skipped": "0", "time": f"{report.seconds:.6f}"}
    root = ET.Element("testsuites", {"name": "vethlab check", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": lab, **counts})
    for result in report.results:
        seconds = 0.0 if result.rtt_us is None else result.rtt_us / 1e6
        words = {"classname": f"{lab}.{result.path.kind}", "name": label(result.path), "time": f"{seconds:.6f}"}
        case = ET.SubElement(suite, "testcase", words)
        if not result.passed:
            ET.SubElement(case, "failure", {"type": result.finding or "unreachable", "message": reason(result)})
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
