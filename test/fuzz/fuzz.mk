# Fuzzing, by libFuzzer with the address and undefined-behaviour sanitizers.
#
#   make fuzz                                               every target for FUZZ_SECONDS
#   make fuzz FUZZ_TARGETS='json records' FUZZ_SECONDS=60   these only
#   make lies LIES_SECONDS=0                                the lying peers, without end
#
# The first of them also has the lying peers of test/property tell new lies for FUZZ_SECONDS.
#
# What it finds is shown in hex and kept in build/fuzz/findings/TARGET/.  Inputs that reach new
# code gather in build/fuzz/corpus/TARGET/, so that the next run goes on from there.
#
# A target is one file, test/fuzz/fuzz_TARGET.c, whose first line names the folder that it
# fuzzes: "/* dns-hooks: ...".  Beside it: its seeds, the files of test/fuzz/corpus/TARGET/, and
# if it has words that chance will hardly find, test/fuzz/TARGET.dict.  No list names them.
#
# To try one input, or to make a finding smaller:
#   build/fuzz/targets/json build/fuzz/findings/json/crash-...
#   build/fuzz/targets/json -minimize_crash=1 -runs=100000 build/fuzz/findings/json/crash-...

FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= $(patsubst test/fuzz/fuzz_%.c,%,$(wildcard test/fuzz/fuzz_*.c))

# By a make of its own: this one has looked for the libraries before they were installed.
fuzz:
	@.ci/packages test
	@$(MAKE) --no-print-directory -s $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc)) \
	    VARIANT=fuzz fuzz-targets
	@test/fuzz/run.py --seconds $(FUZZ_SECONDS) $(FUZZ_OPTIONS) $(FUZZ_TARGETS)
	$(if $(FUZZ_OPTIONS)$(filter command environment,$(origin FUZZ_TARGETS)),,@$(MAKE) \
	    --no-print-directory -s lies LIES_SECONDS=$(FUZZ_SECONDS))

LIES_SECONDS ?= 600
lies: all properties
	@test/property/lies.py --seconds $(LIES_SECONDS)

.PHONY: fuzz fuzz-targets lies

ifeq ($(VARIANT),fuzz)

CC := clang
# Two warnings that only gcc has, and one that clang gives for less reason than gcc.
WARNINGS := $(filter-out -Wduplicated-cond -Wlogical-op,$(WARNINGS)) -Wno-format-zero-length
FUZZ_SANITIZERS := address,undefined,float-cast-overflow
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
               -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZERS)

FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(BUILD)/targets/%)
fuzz-targets: $(FUZZ_PROGRAMS)

# $(1): the name of a target.
fuzz_folder = $(shell sed -n '1s|^/\* \([a-z-]*\): .*|\1|p' test/fuzz/fuzz_$(1).c)

# $(1): the name of a target, $(2): the folder that it fuzzes.
define FUZZ_RULES
$(if $(filter $(2),$(FOLDERS)),,$(error test/fuzz/fuzz_$(1).c does not begin with "/* FOLDER: "))
$(BUILD)/targets/$(1): test/fuzz/fuzz_$(1).c test/fuzz/fuzz.mk Makefile \
    $(sort $(BUILD)/lib/$(2).a $(BUILD)/lib/common.a)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) -fsanitize=fuzzer -o $$@ $$< $(BUILD)/lib/$(2).a \
	    $(BUILD)/lib/common.a $$(LIBS_$(2)) $$(LIBS_common)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call FUZZ_RULES,$(t),$(call fuzz_folder,$(t)))))

-include $(FUZZ_PROGRAMS:%=%.d)

endif
