# make demo     verify example programs on real input and print the tables
# make test     lint, types, and all tests
# make quick    lint, types, and the fast tests: for every change, before `make test`
# make bench    speed, as ratios in one run
# make mutants  plant every mutant and print what catches it
# make deep     all proofs, all mutants, 100,000 random programs: more than an hour
# make viewer   build the page of `lockstep show` anew from its source; needs Node. Users need none: the page is in the wheel
# make screenshot   the picture of that page in the README, ALL=folder pictures of all its states; needs chromium
# make wheel    build the wheel and try it in an empty environment, from a folder with a models.py and a compiler/ of its own
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VIEWER := lockstep/viewer

# Commands that tests start read their byte code, and so does pytest: it rewrites each assertion only once
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick lint bench deep mutants viewer screenshot wheel clean

demo: $(READY)
	$(BIN)/lockstep run examples/programs/tree_sum.pram --input examples/inputs/tree_sum.json
	$(BIN)/lockstep decode examples/programs/tree_sum.pram --input examples/inputs/tree_sum.json
	$(BIN)/lockstep verify examples/programs/tree_sum.pram --sizes 1..6
	$(BIN)/lockstep verify examples/programs/hillis_steele.pram --sizes 1..6
	$(BIN)/lockstep verify examples/programs/components.pram --sizes 1..4 --process ap-mdm

test: lint
	$(BIN)/python -m pytest --durations=60

# Files of fast tests; with lint and types they take about a minute on two cores
QUICK := alu circuit drawing errors evaluator false_claims files floors horizon inputs limits_first machine models overwriting \
	run_errors sidecar_files teaching text_commands theorems unwritten verify winner_commands wrong_compilers

quick: lint
	$(BIN)/python -m pytest $(QUICK:%=tests/test_%.py)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# ONLY=growth takes one part of the last table
bench: $(READY)
	PYTHONPATH=tests $(BIN)/python -m bench $(ONLY)

# ONLY=text takes those whose area or name holds it, MARKDOWN=file writes the list
mutants: $(READY)
	PYTHONPATH=tests $(BIN)/python -m mutation $(if $(ONLY),--only "$(ONLY)") $(if $(MARKDOWN),--markdown "$(MARKDOWN)")

# PROGRAMS=1000 takes fewer random programs, ONLY=proofs one part, SUDOKU=file solves the Sudokus in it, MARKDOWN=file writes the tables
deep: $(READY)
	PYTHONPATH=tests $(BIN)/python -m deep --programs $(or $(PROGRAMS),100000) $(if $(ONLY),--only "$(ONLY)") $(if $(SUDOKU),--sudoku "$(SUDOKU)") $(if $(MARKDOWN),--markdown "$(MARKDOWN)")

viewer: $(VIEWER)/node_modules
	cd $(VIEWER) && npm run --silent build

$(VIEWER)/node_modules: $(VIEWER)/package-lock.json
	cd $(VIEWER) && npm ci --silent
	touch $@

screenshot: $(READY)
	PYTHONPATH=tests $(BIN)/python -m screenshot $(if $(ALL),--all "$(ALL)",docs/page.png)

wheel: $(READY)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv --clear dist/empty
	dist/empty/bin/python -m pip install --quiet --constraint constraints.txt dist/lockstep-*.whl
	mkdir -p dist/folder/compiler && touch dist/folder/models.py dist/folder/compiler/__init__.py
	cd dist/folder && ../empty/bin/python -m lockstep.cli verify ../../examples/programs/tree_sum.pram --sizes 1..2 --no-sidecar
	rm -rf dist/empty dist/folder

$(READY): pyproject.toml constraints.txt setup.py $(wildcard models/engines/native/src/*)
	@echo "installing into $(VENV): some minutes, most of it torch; the native engine needs a C++ compiler, and is left out without one"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
