"""`lockstep compare`: command.py has the options, rows.py a row for each construction, table.py prints, plot.py draws."""
