"""Applications of model parsing and the paper's studies, on any benchmark."""
