"""Methods that infer hyperparameters from images."""
