"""The paper's tables made again: its figures beside ours, and whether its order holds.

setting: on what, and how, ours are made; experiments: what is run and kept; tables and drawings:
what each is made of; reproduce: plan, run, result; page: how it is written.
"""
