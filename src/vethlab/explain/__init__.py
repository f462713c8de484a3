"""Why a packet dies: a conversation about one flow that asks, compares what should be seen with what was, and names the obstacle.

Rule of the folder: pure. Values enter (a Flow, the Wiring, answers to questions), an Explanation leaves; no sockets, no clock, no files.
"""
