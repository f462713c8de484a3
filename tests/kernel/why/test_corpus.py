"""Written faults in real labs: `why` names each as the case says, and what `fix` does mends it.

`./dev test` breaks something in every way that has a finding, once, and everything of published.toml; `./dev faults` runs all cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from tests.faults.corpus import HERE, Case, load, one_of_each, run
from tests.faults.crew import crew
from tests.kernel.survival.corpus import LONG

from vethlab.explain.findings import slugs

pytestmark = [pytest.mark.kernel, pytest.mark.long]

PUBLISHED = load(HERE / "published.toml")
WRITTEN = [case for file in sorted(HERE.glob("*.toml")) for case in load(file)]
ELSEWHERE = HERE.parents[2] / "shared" / "faults"
FOREIGN = [case for file in sorted(ELSEWHERE.glob("*.toml")) for case in load(file)]
CASES = WRITTEN if LONG else list(dict.fromkeys([*PUBLISHED, *one_of_each([*PUBLISHED, *WRITTEN])]))
NOBODY = pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/faults beside the checkout"))
UNWRITTEN = {  # tested elsewhere: tests/system/why, test_fix.py; a warning of healthy labs; and what no case can ask for
    "xdp-drop", "neighbour-table-full", "asymmetric-path", "unknown",
}

Work = dict[Case, Future[str]]


@pytest.fixture(scope="module")
def work(request: pytest.FixtureRequest) -> Iterator[Work]:
    """Every case that was asked for is begun, several at once."""
    chosen = [item.callspec.params["case"] for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    with crew() as hands:
        yield {case: hands.submit(run, case) for case in chosen if isinstance(case, Case) and not case.missing()}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_written_fault(work: Work, case: Case) -> None:
    """The answer has the finding, the place and what else the case names; where a fix is promised, it mends."""
    if case.missing():
        pytest.skip(f"needs {', '.join(case.missing())}")
    assert "" == work[case].result()


@pytest.mark.parametrize("case", FOREIGN or [NOBODY], ids=str)
def test_a_fault_from_beside_the_checkout(work: Work, case: Case) -> None:
    """The same for cases that others wrote, where they are at hand."""
    assert "" == work[case].result()


def test_every_case_has_a_name_of_its_own() -> None:
    """A case is told by its file and name, and no two share them."""
    names = [str(case) for case in WRITTEN]
    assert sorted(set(names)) == sorted(names)


def test_every_finding_has_a_case() -> None:
    """A finding that nobody has injected is not believed."""
    assert UNWRITTEN == set(slugs()) - {finding for case in WRITTEN for finding in (*case.findings, *case.warnings)}
