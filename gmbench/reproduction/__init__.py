"""The paper's tables made again: its figures beside ours, and whether its order holds.

published -> what the paper reports; setting -> on what, and how, ours are made; experiments -> what
is run and kept; tables -> which table is made of what; reproduce -> plan, run, results; page.
"""
