"""What every program adds to d_model, whatever the construction."""

#: The bits of the program counter, twice more if it branches, w each for shl, shr and mul, and a flag for each word operation (two
#: for sums; two for addsat, one of which says that its sum leaves the word). If the smallest value is always left, the complement of a
#: written word. What tells several write rules apart.
PROGRAM = "c + 2 * c * j + w * s + f + w * m + o"
