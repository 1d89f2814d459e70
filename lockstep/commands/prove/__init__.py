"""`lockstep prove`: command.py its options, proving.py the proofs, table.py how they are shown."""
