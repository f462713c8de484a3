"""What every test may rely on: the signals of a terminal, and Python as users have it."""

from __future__ import annotations

import os
import signal

# A job that a script starts in the background ignores both (POSIX, 2.11 of the shell command language), and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# Machines for tests and images of containers often set these, and unbuffered streams fail elsewhere than those of a user.
for name in ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"):
    os.environ.pop(name, None)
