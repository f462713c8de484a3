"""Root's machines, for labs of both modes."""

from tests.kernel.survival.conftest import here

__all__ = ["here"]
