"""Training and running of image-based methods: from cached images to predictions."""
