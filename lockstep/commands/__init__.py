"""One file or folder for each command; in a folder, command.py has the options. `lockstep.cli` has the table of commands."""
