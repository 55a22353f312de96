from __future__ import annotations

from tests.training.conftest import own_cache, pristine_cache

__all__ = ["own_cache", "pristine_cache"]
