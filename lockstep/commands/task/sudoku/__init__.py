"""`lockstep task sudoku`: command.py solves, puzzles.py reads puzzles, grids.py draws them and says what a decoding step did."""
