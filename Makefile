# make demo   install, run the main job on the default benchmark, say where the report is;
#             METHOD=NAME takes another baseline than spectral
# make test   install, run all tests
# make quick  the fast tests alone
# make lint   ruff, mypy, and the arrows between rooms
# make docs   the documentation as a site, in site/
# make mini116 train the 123 GMs of mini116 anew: an hour on two cores

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
GMBENCH := $(RUN) -m gmbench
OUT := out
METHOD := spectral

.PHONY: demo test quick lint docs mini116 clean

demo: $(VENV)/.installed
	@mkdir -p $(OUT)
	@echo "\n== mini116: a small replica of each of the paper's 116 generative models, and of 7 diffusion models"
	@$(GMBENCH) data build --out $(OUT)/gm-parsing --overwrite > $(OUT)/build.txt
	@$(RUN) -c "import datasets; print(datasets.load_dataset('$(OUT)/gm-parsing'))"
	@echo "\n== Predictions: from labels alone, and from images"
	@$(GMBENCH) baseline median_mode -o $(OUT)/median_mode.parquet --overwrite
	@$(GMBENCH) baseline $(METHOD) -o $(OUT)/$(METHOD).parquet --overwrite
	@echo "\n== Checked, scored, compared"
	@$(GMBENCH) validate $(OUT)/$(METHOD).parquet
	@$(GMBENCH) evaluate $(OUT)/$(METHOD).parquet --out $(OUT)/report --overwrite
	@$(GMBENCH) compare $(OUT)/$(METHOD).parquet $(OUT)/median_mode.parquet
	@echo "\nThe report is at $(OUT)/report/report.html"

test: $(VENV)/.installed-dev
	$(RUN) -m pytest -m "slow or not slow"

quick: $(VENV)/.installed-dev
	$(RUN) -m pytest

lint: $(VENV)/.installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-logo

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	@echo "The site is at site/index.html; $(RUN) -m mkdocs serve shows it, with its search"

mini116: $(VENV)/.installed-dev
	$(GMBENCH) zoo build --like red116-dm --images-per-gm 48 --seed 0 \
	  --name mini116 --overwrite --out gmbench/tables/mini116

clean:
	rm -rf $(VENV) $(OUT) dist site

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --editable ".[dev,train,zoo,models,video,attribution]"
	@touch $@ $(VENV)/.installed
