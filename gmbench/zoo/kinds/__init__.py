"""One module per kind of GM; each provides `train`, `FAMILIES` and `draw_options`."""
