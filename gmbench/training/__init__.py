"""Training: from the images of a dataset folder to batches of pixels, and what learns of them."""
