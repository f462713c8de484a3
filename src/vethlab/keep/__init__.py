"""Holds network namespaces: the keeper process, its clients, the views of nodes, names on request.

Rule of the file: nothing is imported here, since the keeper lives in 10 MiB.
"""
