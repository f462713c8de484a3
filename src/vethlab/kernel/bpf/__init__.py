"""The kernel's own word on every packet: BPF programs on raw tracepoints, in plain Python; root only, never required."""
