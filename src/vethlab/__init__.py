"""vethlab wires Linux network namespaces together with veth pairs, and explains every packet that crosses them.

The keeper imports this package with `python -I -S -E`, so nothing heavy may be imported here: `Lab` is loaded on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vethlab.lab import Lab, Node

__version__ = "0.1.0"
__all__ = ["Lab", "Node", "__version__"]


def __getattr__(name: str) -> object:
    """Load the facade on first use (PEP 562)."""
    if name in {"Lab", "Node"}:
        from vethlab import lab  # noqa: PLC0415 - keeps start-up light

        return getattr(lab, name)
    message = f"module 'vethlab' has no attribute {name!r}"
    raise AttributeError(message)
