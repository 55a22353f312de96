"""Reproduction of the paper's tables and figures: its numbers beside ours, and whether they agree.

`setting`: the data and options of ours; `experiments`: what is run and kept; `tables` and
`drawings`: what each table and figure is made from; `reproduce`: plan, run, result; `page`: the
written page.
"""
