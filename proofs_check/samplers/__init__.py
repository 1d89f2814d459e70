"""Verdicts of samplers: which rules that choose masks of a decode leave it right, judged without a model.

| file             | what is in it                                                                                |
|------------------|----------------------------------------------------------------------------------------------|
| `certainties.py` | what an exact model says of a row that is ready, and of one that is not, in closed form        |
| `counting.py`    | the exact verdict of any rule on any run, from the machine's tokens                            |
| `forms.py`       | closed forms: when a rule is right whatever the program, and in how many decoding steps        |
| `writing_back.py`| what becomes of a token that is masked again, or edited                                       |
"""
