"""Evaluation: from a prediction file to a result that can be trusted.

A prediction file passes through `reading` (bytes to columns), `columns` (cells to numbers),
`predictions` (which image each row speaks of), `statistics` and `metrics` (numbers to scores),
`resampling` and `intervals` (how sure the scores are) and `evaluate` (all of it, as one result
object).
"""
