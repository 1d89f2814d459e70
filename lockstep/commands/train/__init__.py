"""`lockstep train`: command.py has the table of what can be trained; each has a file of its own."""
