"""`lockstep prove`: command.py has the options, proving.py makes the proofs, table.py prints them."""
