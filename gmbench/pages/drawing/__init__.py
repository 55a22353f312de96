"""Layout of charts as positions of marks: scales, charts, and number formats."""
