"""Training and running methods that look at images: caches, loops, checkpoints, folds."""
