"""Verification of many programs, sizes and inputs over many processes, kept in a database.

plan.py     the cases of a sweep, and everything that their results depend on
check.py    checks one case, in a worker
result.py   the result of one case
pool.py     runs cases: in this process, or in a cluster's
cluster.py  a cluster: this machine's cores, or a Dask cluster that is already running
rows.py     the rows that the database keeps, by the names of its columns
store.py    the database, which survives being killed at any moment
sweep.py    the loop: runs the cases that are not in the database, and stores them
"""
