"""`lockstep export`: command.py has the options, job_file.py writes the file."""
