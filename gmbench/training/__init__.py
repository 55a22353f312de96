"""Training and running methods that look at images: from cached images to predictions."""
