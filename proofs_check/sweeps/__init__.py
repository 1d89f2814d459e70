"""Verification of many programs, sizes and inputs over many processes, kept in a database.

plan.py     which cases there are, and what their results depend on
check.py    one case: what workers run
files.py    whether files that a case has read are as they were
pool.py     where cases are run: here, on this machine's cores, or on a Dask cluster
rows.py     what the database keeps, by the names of its columns
store.py    the database, which survives being killed at any moment
sweep.py    the loop: what is not in the database is run, and goes into it
"""
