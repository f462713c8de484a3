"""The tracepoints of the kernel add certainty, never another answer: with BPF and without, finding and place are the same."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from tests.faults.corpus import HERE, Case, Twice, load, one_of_each, twice
from tests.faults.crew import crew
from tests.kernel.survival.corpus import LONG

from vethlab.kernel.bpf.tracer import available

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.skipif(bool(available()), reason=available() or "BPF works here")]

WRITTEN = [case for file in sorted(HERE.glob("*.toml")) for case in load(file)]
CASES = WRITTEN if LONG else one_of_each(WRITTEN)


@pytest.fixture(scope="module")
def work(request: pytest.FixtureRequest) -> Iterator[dict[Case, Future[Twice]]]:
    """Every case that was asked for is begun, several at once."""
    chosen = [item.callspec.params["case"] for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    with crew() as hands:
        yield {case: hands.submit(twice, case) for case in chosen if not case.missing()}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_answer_is_the_same(work: dict[Case, Future[Twice]], case: Case) -> None:
    """Finding, node, interface and direction do not depend on who may ask the tracepoints."""
    if case.missing():
        pytest.skip(f"needs {', '.join(case.missing())}")
    without, with_ = work[case].result()
    assert without == with_
