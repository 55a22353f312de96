"""The leaderboard: submissions, their verification, and the pages made from them.

A submission is a folder of data: a card, predictions, a result. Every figure on the board is
computed from the predictions by this package; nothing in a submission is ever executed.
"""
