"""`lockstep cost`: predicts what a decode costs.

sizes.py      parameters and T of a run from its claims   forms.py   closed forms: decoding steps, context, tokens
model.py      time and memory as sums of counts           measure.py measures decodes
calibrate.py  fits the model to this machine              predict.py puts all this together
check.py      compares predictions with decodes           show.py    prints
"""
