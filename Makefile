PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: audit test quick lint dependency-audit sample comparison real changes seeds pictures docs clean

audit: $(VENV)/installed  ## install, then audit the embedded model on the embedded corpus
	$(BIN)/sertools audit --out sertools-report || [ $$? -eq 1 ]
	@echo "Open sertools-report/report.html in a browser."

test: $(VENV)/installed-test  ## install what the tests need, then run all tests in parallel
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

quick: $(VENV)/installed-test  ## run the tests that are not marked slow
	$(BIN)/python -m pytest -m "not slow"

lint: $(VENV)/installed-test  ## check style, security and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml sertools audits examples
	$(BIN)/mypy sertools audits

dependency-audit: $(VENV)/installed-test  ## look for known vulnerabilities of the pinned versions; needs the network
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt || \
	  { echo "The dependency audit did not pass: a version has a known vulnerability, or the database was not reached (see above)."; exit 1; }

sample: $(VENV)/installed  ## write reports/sample again, and the comparison
	$(BIN)/sertools audit --precision fp32 --quiet --audio 2 --out reports/sample || [ $$? -eq 1 ]
	$(MAKE) comparison

comparison: $(VENV)/installed  ## write reports/comparison again: reports/sample and a model that reacts to loudness only
	$(BIN)/sertools audit --suite quick --model toy:loudness --quiet --out build/toy-loudness || [ $$? -eq 1 ]
	$(BIN)/sertools compare reports/sample build/toy-loudness --out reports/comparison

DATA ?= ../shared/data
REAL = calibration ceiling correctness drivers duration efficiency embeddings fairness layer-acoustics leakage listening \
  privacy probe-layers proxies robustness slices speakers tts-sentiment tts-transcripts unlabelled word-cloud

real: $(VENV)/installed-test  ## write reports/ravdess and reports/emodb again, from the recordings below DATA; takes minutes
	$(BIN)/sertools audit $(REAL) --data ravdess --data-root $(DATA) --quiet --audio none --out reports/ravdess || [ $$? -eq 1 ]
	$(BIN)/sertools audit $(REAL) --data emodb --data-root $(DATA) --derive-dimensions --quiet --audio none \
	  --out reports/emodb || [ $$? -eq 1 ]
	rm -f reports/ravdess/answers.parquet reports/emodb/answers.parquet reports/ravdess/report.json reports/emodb/report.json

changes: $(VENV)/installed-test  ## write reports/changes again: attacks, and changes that nobody hears, on EmoDB below DATA; takes minutes
	$(BIN)/sertools audit --suite examples/changes_suite.toml --data emodb --data-root $(DATA) --quiet --audio none \
	  --out reports/changes || [ $$? -eq 1 ]
	rm -f reports/changes/answers.parquet reports/changes/report.json

SEEDS = 0 1 2

seeds: $(VENV)/installed-test  ## write reports/seeds again: a small network, trained with three seeds on EmoDB below DATA
	for seed in $(SEEDS); do \
	  $(BIN)/sertools train examples/train.toml --data-root $(DATA) --set seed=$$seed --set epochs=12 --set cut_s=1.0 \
	    --set 'dev_speakers=["11"]' --set 'test_speakers=["12","13","14","15","16"]' --out build/seed-$$seed || exit 1; \
	done
	$(BIN)/sertools seeds $(SEEDS:%=--model build/seed-%) --data emodb --data-root $(DATA) --quiet --audio none \
	  --out reports/seeds || [ $$? -eq 1 ]
	rm -f reports/seeds/answers.parquet reports/seeds/report.json

pictures: $(VENV)/installed-test  ## take the pictures of the gallery again, with Chromium
	$(BIN)/python docs/pictures.py

docs: $(VENV)/installed-docs  ## build the documentation into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("sertools needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[quality]' || \
	  echo "PESQ could not be compiled, so its tests are skipped; they need a C compiler."
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info sertools-report
