"""The command line: `main` runs it, `commands/` holds one command a file, the rest says how things look."""
