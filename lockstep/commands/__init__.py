"""One room for each command: a file, or a folder whose command.py has the options. `lockstep.cli` has the table."""
