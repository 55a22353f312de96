"""A prediction file: from its bytes to numbers that passed every check."""
