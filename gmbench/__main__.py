"""`python -m gmbench`: the same as the command `gmbench`."""

from gmbench.cli import main

main()
