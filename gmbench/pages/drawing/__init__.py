"""Pictures as places of marks: scales, charts, and how numbers read."""
