"""Networks and objectives that infer hyperparameters or classes from images; no file handling."""
