"""`lockstep task`: command.py has the table of tasks, solved.py what each of them prints, telling.py its
steps, pages and files; each task has a file of its own."""
