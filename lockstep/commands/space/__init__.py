"""`lockstep space`: command.py its options, rows.py one row for each size, table.py how they are shown."""
