"""Words of other languages and of books, with what to write here instead.

Programs may use them as names. A message mentions one only where the text around it cannot be read.
"""

from __future__ import annotations

_PROCEDURES = "a procedure is written `proc NAME(x, out y, A[]) ... end`, before the first statement, and called `NAME(a, b, C)`"
_RANDOM = "`random()` gives a number that looks random, from a seed"

FOREIGN = {
    **dict.fromkeys(("procedure", "function", "def", "func", "sub", "call"), _PROCEDURES),
    **dict.fromkeys(("exit", "continue"), "write `return` to end an item, `break` to leave a loop, `halt` to end the program"),
    **dict.fromkeys(
        ("sync", "synchronize"), "all processors are in step anyway: write `barrier`, which takes no step, or leave it out"
    ),
    **dict.fromkeys(("pardo", "foreach", "doall", "spawn"), "write `parallel for i in 0 .. n - 1 do ... end`"),
    **dict.fromkeys(("elseif", "elsif", "elsf"), "write `elif`"),
    **dict.fromkeys(("endif", "endfor", "endwhile", "fi", "od", "done"), "every block ends with `end`"),
    **dict.fromkeys(("begin", "loop"), "blocks go from `do` or `then` to `end`"),
    **dict.fromkeys(("int", "var", "let", "integer", "long", "unsigned", "auto"), "write `local x := 0`"),
    **dict.fromkeys(("real", "float", "double"), "numbers are integers: scale them, as in `3 * 1000 / 7` for thousandths"),
    **dict.fromkeys(
        ("fetch_add", "atomic", "mpadd"), "`psm(x, A[i])` adds x to a cell, and leaves in x what the cell held before"
    ),
    "to": "a range is written `0 .. n - 1`, or `n - 1 downto 0`",
    **dict.fromkeys(("printf", "println", "echo", "puts"), "write `print x`, which `lockstep run --trace` shows"),
    "mod": "write `%`",
    "implies": "write `==>`",
    "assume": "write `requires` among the declarations, or `assert`",
    "xor": "write `^`",
    "div": "write `/`",
}

#: Names that books use for the largest and the least word, and for 1 and 0. They mean it in a program that does not declare them.
LARGEST = ("INFINITY", "INF", "Infinity", "infinity", "oo", "MAXINT", "INT_MAX", "MAX")
LEAST = ("MIN", "INT_MIN", "MININT")
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")

#: Names in expressions that other languages define.
CONSTANTS = {
    **dict.fromkeys(LARGEST, "`inf` is the largest word"),
    **dict.fromkeys(LEAST, "the least word is 0; under `word 16 signed` it is `-inf - 1`"),
    **dict.fromkeys(TRUE, "write 1; any word but 0 is true"),
    **dict.fromkeys(FALSE, "write 0"),
    **dict.fromkeys(("rand", "rnd"), _RANDOM),
    "id": "the number of a processor is `pid`",
}
