"""One module a kind of GM; each provides `train`, `FAMILIES` and `draw_options`."""
