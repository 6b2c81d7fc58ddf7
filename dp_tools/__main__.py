"""`python -m dp_tools`: the commands, for hosts that start a module."""

from dp_tools.cli import main

main(prog_name="dp-tools")
