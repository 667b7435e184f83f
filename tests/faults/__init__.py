"""Pulling the plug: `python -m tests.faults` kills, stops, cuts and races, and then holds the rows to the promises.

A process that has imported everything and opened nothing (`zygote`) forks one process for each trial, because a fresh
interpreter for each would not finish. Each trial has a database of its own. `invariants` looks at what is left.
"""
