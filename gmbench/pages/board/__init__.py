"""Templates, style and scripts of the leaderboard's pages."""
