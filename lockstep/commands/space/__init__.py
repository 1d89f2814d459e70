"""`lockstep space`: command.py has the options, rows.py computes a row for each size, table.py prints them."""
