"""The moment from which on a change stays.

Enters: a kernel that has become what was asked for; leaves: whatever the command line does then. Rule of the file: it is called before
anybody is told. What is left to do (the record, the commit) takes a millisecond and must not be cut in two: the command line lets no
interrupt through from here on, since it could not say any more that it undid all.
"""

from __future__ import annotations

from collections.abc import Callable

reached: Callable[[], object] = bool
