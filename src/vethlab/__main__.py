"""`python -m vethlab` is the command line."""

from vethlab.present.cli.main import main

main()
