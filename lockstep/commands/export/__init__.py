"""`lockstep export`: command.py its options, job_file.py the file it writes."""
