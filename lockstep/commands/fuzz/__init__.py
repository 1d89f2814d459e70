"""`lockstep fuzz`: command.py its options, keeping.py a program that failed, table.py what a campaign met."""
