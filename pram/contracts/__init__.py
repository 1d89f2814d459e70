"""Contracts: `requires`, `ensures`, `assert` and `invariant`. They take no step, and no model computes them; the machine checks them.

kinds.py       what a program and its machine code hold of contracts, and what runs tell of them
checking.py    names and types, before a program runs
translating.py an expression of a contract, as a function in Python
meaning.py     what such functions compute with: exact integers, shared memory now and earlier
explaining.py  why a contract does not hold, with the values that matter
holding.py     checks one contract, and what a program requires of its input
watching.py    checks contracts while the machine runs
shapes.py      what `requires` says of cells that can be drawn directly: ranges, orders, different words
orders.py      comparisons between cells
fulfilling.py  makes words fulfil what is required
"""
