"""One command a file; each file's `command` is loaded when that command is called (see `cli.catalogue`)."""
