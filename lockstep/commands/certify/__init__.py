"""`lockstep certify`: command.py has the options, bounds.py makes the certificate for given bounds, table.py prints it."""
