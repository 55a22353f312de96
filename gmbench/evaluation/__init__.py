"""Evaluation: from a prediction file to a result that can be trusted.

A prediction file passes through `reading` (bytes to columns), `columns` (cells to numbers),
`predictions` (which image each row is for), `statistics` and `metrics` (numbers to scores),
`resampling` and `intervals` (how certain the scores are) and `evaluate` (all of this, as one
result object).
"""
