"""What a person looks at: the report of an evaluation and the pages of the leaderboard."""
