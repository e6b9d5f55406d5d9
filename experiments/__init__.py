"""The study: what the cells of trained networks tell (docs/findings.md).

``python -m experiments.study`` trains the networks of `experiments.plan`, has ``nnce`` enumerate
them, and writes a table of results and, from it alone, the page of findings.
"""
