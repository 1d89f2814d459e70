"""`lockstep fuzz`: command.py has the options, keeping.py writes a failing program, table.py prints the results."""
