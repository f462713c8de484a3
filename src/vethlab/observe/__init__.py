"""Looking at packets where they pass: rings, captures, one-line texts.

Rule of the folder: looking changes nothing in the lab. A ring is a socket of this process and ends with it, SIGKILL included.
"""
