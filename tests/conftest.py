from __future__ import annotations

from hypothesis import settings

# The same examples on every run, and no time limit for one: a machine may be busy with other work.
settings.register_profile("gmbench", deadline=None, derandomize=True)
settings.load_profile("gmbench")
