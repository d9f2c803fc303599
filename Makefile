# One command per chore. Everything is installed into .venv; nothing else on the machine changes.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-peers promises check bench doctor-bench fuzz clean

demo: .venv/installed
	$(BIN)/thalweg train digits --model lenet --epochs 60 learning_rate=0.003 rotate=10 shift=0.1 scale=0.1 shear=5

test: .venv/developer
	$(BIN)/python -m pytest --numprocesses=2

test-peers: .venv/peers
	$(BIN)/python -m pytest tests/doctor/test_peers.py

promises: .venv/developer
	$(BIN)/python tests/faults/promises.py

check: .venv/developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: .venv/peers
	OMP_NUM_THREADS=1 $(BIN)/python -m bench --out bench.json

doctor-bench: .venv/installed
	$(BIN)/python -m bench.doctor
	$(BIN)/python -m bench watch

SECONDS := 60
fuzz: .venv/fuzzer
	$(BIN)/python tests/fuzz/campaign.py --seconds $(SECONDS)

clean:
	rm -rf .venv

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Thalweg needs Python 3.11 or newer, got " + sys.version.split()[0] + ". Call make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/developer: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/fuzzer: .venv/developer
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	touch $@

.venv/peers: .venv/developer
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[peers]'
	touch $@
