# make demo   install, run the main job on the default benchmark, say where the report is;
#             METHOD=NAME takes another baseline than spectral
# make test   install, run all tests
# make quick  the fast tests alone
# make lint   ruff, mypy, and the arrows between rooms
# make docs   the documentation as a site, in site/
# make mini116 train the 123 GMs of mini116 anew: 95 minutes on two cores

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
GMBENCH := $(RUN) -m gmbench
OUT := out
METHOD := spectral

.PHONY: demo test quick lint docs mini116 clean

demo: $(VENV)/.installed
	@mkdir -p $(OUT)
	@printf "\n== mini116: a small replica of each of the paper's generative models (GMs)\n"
	@$(GMBENCH) data build --out $(OUT)/gm-parsing --overwrite > $(OUT)/build.txt
	@HF_DATASETS_DISABLE_PROGRESS_BARS=1 $(RUN) -c "$$DESCRIBE" $(OUT)/gm-parsing
	@printf "\n== Predictions from labels alone, and from images; both scored and compared\n"
	@$(GMBENCH) baseline median_mode $(METHOD) --data $(OUT)/gm-parsing --out $(OUT)/baselines \
	  --overwrite
	@$(GMBENCH) validate $(OUT)/baselines/$(METHOD).parquet > $(OUT)/checks.txt
	@$(GMBENCH) evaluate $(OUT)/baselines/$(METHOD).parquet --out $(OUT)/report --overwrite \
	  > $(OUT)/scores.txt
	@printf "\n$$(grep -c '^ok' $(OUT)/checks.txt) checks of $(OUT)/baselines/$(METHOD).parquet: all ok\n"
	@echo "Every score is in $(OUT)/scores.txt"
	@echo "The report is at $(OUT)/report/report.html"
	@printf "\nTry next, after . $(VENV)/bin/activate:\n"
	@echo "  gmbench info STYLEGAN_2               # the labels of a GM"
	@echo "  gmbench baseline --list               # what else can be run"
	@echo "  gmbench template -o predictions.csv   # the file that your method fills in"

define DESCRIBE
import sys, datasets
folder = sys.argv[1]
fold = datasets.load_dataset(folder, "set_1")
print(folder, "has the configurations", *datasets.get_dataset_config_names(folder))
for part, what in (("train", "to train on"), ("test", "of GMs that no method has seen")):
    print(f"  set_1/{part}: {fold[part].num_rows:,} images {what}")
print("  each with its GM, 9 counts, 6 classes, 10 losses, and these 25 as numbers")
endef
export DESCRIBE

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
	$(RUN) -m pip install --quiet --editable ".[dev,train,zoo,models,video,attribution,ray]"
	@touch $@ $(VENV)/.installed
