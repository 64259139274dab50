# make demo   the main job from nothing: install, simulate a map, find its volcanoes, write the report
# make test   every check, from nothing
# Another interpreter:  make demo PYTHON=python3.12

PYTHON ?= python3
INSTALL = -m pip --disable-pip-version-check install --quiet --no-compile
# What plain installs lack and their tests need; kept beside .venv, so that .venv stays plain.
PYTEST = .cache/pytest
export OMP_NUM_THREADS ?= 2
# Else each start compiles every library again where Python is told to write no bytecode.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test plain slow lint model benchmark clean
.DELETE_ON_ERROR:

demo: .venv/.installed
	.venv/bin/bradyseism simulate demo -o demo
	.venv/bin/bradyseism detect demo/map.tif --catalogue demo/volcanoes.csv -o demo/result

# What needs no torch is tested in the plain install, while the large one is still being made; what
# does follows there. One thread a process, the long ones first.
XDIST = -q -n 2 --dist loadfile --no-loadscope-reorder

test:
	+$(MAKE) -j2 lint plain
	OMP_NUM_THREADS=1 .venv-test/bin/python -m pytest $(XDIST) -m "not slow" \
	  tests/90_pipeline tests/95_review tests/60_training tests/50_models tests/40_samples \
	  tests/70_detection/test_attribution.py tests/20_maps/test_labelled.py

plain: .venv/.installed $(PYTEST)/.installed
	OMP_NUM_THREADS=1 PYTHONPATH=$(PYTEST) .venv/bin/python -m pytest $(XDIST) -m "not slow and not torch" -p no:cacheprovider \
	  tests/99_cli tests/70_detection tests/80_evaluation tests/30_scenes tests/20_maps tests/10_physics tests/00_architecture

lint: .venv-test/.installed
	# Compiles torch once; else both processes of its tests do, at the same time.
	.venv-test/bin/python -c "import lightning, timm"
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	# Workers that a busy machine starts too late are an internal error: then without any.
	.venv-test/bin/mypy || .venv-test/bin/mypy --num-workers 0

slow: .venv-test/.installed
	.venv-test/bin/python -m pytest -q -m slow

model: .venv-test/.installed
	.venv-test/bin/bradyseism train shipped -o runs/shipped

benchmark: .venv-test/.benchmark
	.venv-test/bin/python benchmarks/detection.py
	.venv-test/bin/python benchmarks/simulation.py
	.venv-test/bin/python benchmarks/scenes.py

clean:
	rm -rf .venv .venv-test .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis demo dist

.venv/.installed: pyproject.toml constraints/plain.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python $(INSTALL) -c constraints/plain.txt -e .
	touch $@

.venv-test/.installed: pyproject.toml constraints/test.txt
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python $(INSTALL) -c constraints/test.txt -e ".[train,review,scale,gis,docs,test]"
	touch $@

.venv-test/.benchmark: .venv-test/.installed
	.venv-test/bin/python $(INSTALL) -c constraints/test.txt -e ".[benchmark]"
	touch $@

$(PYTEST)/.installed: constraints/test.txt .venv/.installed
	rm -rf $(PYTEST)
	.venv/bin/python $(INSTALL) -c constraints/test.txt --target $(PYTEST) pytest pytest-xdist hypothesis
	touch $@
