"""Pure: from a topology to the state it asks for (`desired`), and from two states to the changes that lead from one to the other (`diff`).

Rule of the package: nothing is imported here, because `check` wants the paths of a topology and neither of the two.
"""
