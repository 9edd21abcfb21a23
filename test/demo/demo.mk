# make demo         the whole stack on this machine, until Ctrl-C (DEMO_PORT=8443)
# make demo-check   the same unattended, then checked from outside
#
# DEMO_BIN: the programs to run, those of VARIANT unless given.

export DEMO_BIN ?= $(BIN)

demo: demo-programs
	@test/demo/demo.py

demo-check: demo-programs
	@test/demo/demo.py --check

# By a make of its own: this one has looked for the libraries before they were installed.
demo-programs:
	@.ci/packages demo
	@$(MAKE) --no-print-directory -s $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc)) all

.PHONY: demo demo-check demo-programs
