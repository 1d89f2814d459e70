"""`lockstep task`: command.py has the table of tasks, solved.py what each of them prints, telling.py its steps, pages and files. Each
task has a file of its own, and graphs/ reads graphs and decodes programs on them."""
