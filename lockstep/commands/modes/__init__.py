"""`lockstep modes`: command.py has the options, trying.py runs the program under each mode, table.py prints the results."""
