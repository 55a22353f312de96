"""What model parsing is for: the paper's studies and applications, on any benchmark."""
