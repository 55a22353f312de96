"""Pages for human readers: the report of an evaluation and the pages of the leaderboard."""
