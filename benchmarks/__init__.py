"""What vethlab costs, beside the kernel's own floor and beside other programs, in one run on one machine.

Rule of the folder: a *subject* (floor, engine, ip_batch, ...) builds one thing in a process of its own and prints one JSON line; a *suite*
pairs subjects, interleaved and repeated, and yields rows; `python -m benchmarks` writes them into docs/benchmarks.md. Only ratios of one
run are worth anything: the machine is shared and its kernel is part of what is measured.
"""
