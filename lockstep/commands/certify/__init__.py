"""`lockstep certify`: command.py its options, bounds.py the certificate for given bounds, table.py how it is shown."""
