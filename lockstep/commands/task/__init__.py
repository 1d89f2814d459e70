"""`lockstep task`: command.py has the table of tasks, solved.py what each of them prints; each task has a file of its own."""
