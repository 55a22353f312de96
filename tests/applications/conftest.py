from __future__ import annotations

from tests.training.conftest import family_cache, own_cache

__all__ = ["family_cache", "own_cache"]
