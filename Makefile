# make          build the five programs under build/release/bin
# make demo     everything for a first run: packages, build, the whole stack on this machine
# make test     everything for the tests: packages, build, units, end to end, sanitizers, checks
# make help     the other targets

VARIANT ?= release
# The word behind the last dash: trixie-asan is asan again, for another Debian, beside the first.
KIND    := $(lastword $(subst -, ,$(VARIANT)))
BUILD   := build/$(VARIANT)
BIN     := $(BUILD)/bin

CC      ?= gcc
PREFIX  ?= /usr/local
VERSION := $(shell cat VERSION)

PACKAGES := libcurl libcjson libevent ldns openssl expat

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wold-style-definition -Wformat=2 -Wvla -Wpointer-arith -Wwrite-strings \
            -Wundef -Wnull-dereference -Wduplicated-cond -Wlogical-op
# $(1): options that not every compiler has (gcc has those below from version 12 on); without
# -Werror some would only be warned about.
if_understood = $(shell $(CC) -Werror -O2 $(1) -include string.h -x c -c -o /dev/null /dev/null \
                  2>/dev/null && echo '$(1)')
HARDENING := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection \
             $(or $(call if_understood,-D_FORTIFY_SOURCE=3),-D_FORTIFY_SOURCE=2) \
             $(call if_understood,-ftrivial-auto-var-init=zero)
LINK_HARDENING := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed

CFLAGS_release := -O2 -g $(HARDENING)
LDFLAGS_release := $(LINK_HARDENING)
# Sanitizers see more without FORTIFY's replaced calls and with frames kept.
CFLAGS_asan := -O1 -g -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined \
               -fno-sanitize-recover=all
LDFLAGS_asan := -pie -fsanitize=address,undefined

PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LIBS_common     := $(shell pkg-config --libs libcurl libcjson openssl 2>/dev/null)
LIBS_supervisor := $(shell pkg-config --libs libevent 2>/dev/null)
LIBS_dns-hooks  := $(shell pkg-config --libs ldns expat 2>/dev/null)
LIBS_evidence   := $(shell pkg-config --libs libevent 2>/dev/null)

ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -I. $(WARNINGS) $(CFLAGS_$(KIND)) $(CFLAGS) \
             $(PACKAGE_CFLAGS) -DVERSION='"$(VERSION)"' -MMD -MP

MAINS    := supervisor/ingressd.c supervisor/ctl/ingressctl.c supervisor/addresses/ingress-resolve.c \
            dns-hooks/ingress-dns.c evidence/ingress-evidence.c
FOLDERS  := common supervisor dns-hooks evidence
PROGRAMS := $(patsubst %.c,$(BIN)/%,$(notdir $(MAINS)))
SOURCES  := $(wildcard $(FOLDERS:%=%/*.c) $(FOLDERS:%=%/*/*.c))
UNITS    := $(wildcard test/unit/*/test_*.c)
UNIT_PROGRAMS := $(UNITS:test/unit/%.c=$(BUILD)/unit/%)

all: $(PROGRAMS)

# ---- programs: one main file each, over its folder's archive and common's

define FOLDER_RULES
$(BUILD)/lib/$(1).a: $$(patsubst %.c,$(BUILD)/obj/%.o,$$(filter-out $(MAINS),$$(filter $(1)/%,$(SOURCES))))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^

$(BUILD)/unit/$(1)/%: test/unit/$(1)/%.c $(BUILD)/lib/$(1).a $(BUILD)/lib/common.a
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS_$$(KIND)) -o $$@ $$< $(BUILD)/lib/$(1).a \
	    $(BUILD)/lib/common.a $$(LIBS_$(1)) $$(LIBS_common) -lcmocka $$(LDFLAGS_unit)
endef
$(foreach f,$(FOLDERS),$(eval $(call FOLDER_RULES,$(f))))

define PROGRAM_RULES
$(BIN)/$(basename $(notdir $(1))): $(BUILD)/obj/$(basename $(1)).o \
    $(BUILD)/lib/$(firstword $(subst /, ,$(1))).a $(BUILD)/lib/common.a
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS_$$(KIND)) $$(LDFLAGS) -o $$@ $$^ \
	    $$(LIBS_$(firstword $(subst /, ,$(1)))) $$(LIBS_common)
endef
$(foreach m,$(MAINS),$(eval $(call PROGRAM_RULES,$(m))))

$(BUILD)/obj/%.o: %.c VERSION Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The templates are compiled in.
$(BUILD)/obj/supervisor/haproxy/template.o: $(wildcard templates/*)

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(SOURCES))

# ---- unit tests alone (make test runs everything)

units: $(UNIT_PROGRAMS)

# See test/unit/common/memory.h.
ALLOCATORS := malloc calloc realloc strdup strndup asprintf vasprintf __asprintf_chk __vasprintf_chk
$(BUILD)/unit/common/test_memory_%: LDFLAGS_unit := $(ALLOCATORS:%=-Wl,--wrap=%)

# ---- ingress-dns for thousands of runs: see the file

properties: $(BUILD)/property/dns_driver

WRAPPED := main clock_now_ms clock_sleep_ms poll http_perform propagation_wait curl_easy_init \
           curl_easy_cleanup leave_root
$(BUILD)/property/dns_driver: test/property/dns_driver.c $(BUILD)/obj/dns-hooks/ingress-dns.o \
    $(BUILD)/lib/dns-hooks.a $(BUILD)/lib/common.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS_$(KIND)) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $^ \
	    $(LIBS_dns-hooks) $(LIBS_common)

# ---- the verifier for thousands of quotes

verify-driver: $(BUILD)/verify/driver

$(BUILD)/verify/driver: test/verify/driver.c $(BUILD)/lib/common.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS_$(KIND)) -o $@ $^ $(LIBS_common)

unit: units
	@for t in $(UNIT_PROGRAMS); do echo "== $$t"; $$t || exit 1; done

# ---- everything

test:
	@.ci/packages test
	@test/run.py $(STAGES)

-include test/demo/demo.mk
-include test/fuzz/fuzz.mk
-include test/image/image.mk

$(BUILD)/bench/tls_load: test/bench/tls_load.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS_$(KIND)) -pthread -o $@ $< $(shell pkg-config --libs openssl)

# Packages first: they bring what compiling takes.
bench:
	@.ci/packages bench
	@$(MAKE) --no-print-directory all $(BUILD)/bench/tls_load
	@INGRESS_BIN=$(abspath $(BIN)) test/bench/run.py $(BENCHES)

# ---- static checks, each by itself so that each is counted

HEADERS := $(wildcard $(FOLDERS:%=%/*.h) $(FOLDERS:%=%/*/*.h))
TEST_C  := $(wildcard test/unit/*/*.[ch] test/fuzz/*.[ch] test/bench/*.c test/property/*.c test/verify/*.c)
SCRIPTS := .ci/run .ci/packages test/debian $(filter-out %.py,$(wildcard .ci/image/*)) \
           $(wildcard *.sh test/*/*.sh)

check: check-format check-banned check-cppcheck check-tidy check-shell

check-format:
	clang-format --dry-run -Werror $(SOURCES) $(HEADERS) $(TEST_C)

# Calls that this project does without; comments and longer names do not count.
BANNED := system popen strcpy strcat sprintf vsprintf atoi atol gets strncpy strncat tmpnam mktemp
check-banned:
	@! grep -nE '(^|[^_[:alnum:]])($(subst $(eval ) ,|,$(BANNED)))[[:space:]]*\(' \
	    $(SOURCES) $(HEADERS) | grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/?\*|//)'
	@! grep -nE 'scanf\(.*%s' $(SOURCES)

# cppcheck sees no system headers; these two define macros that look like syntax.
MACRO_HEADERS := /usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)/sys/queue.h \
                 /usr/include/cjson/cJSON.h
check-cppcheck:
	cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
	    --inline-suppr --suppress=missingIncludeSystem --error-exitcode=1 -D_GNU_SOURCE \
	    -DVERSION='"$(VERSION)"' $(MACRO_HEADERS:%=--include=%) -I. $(SOURCES)

# The analyzer's default budget of paths a function takes four times as long.  One file a process:
# clang 14 keeps the names that its checkers look for from one file to the next, where the same
# place in memory may be another name, and then takes any function for va_start().
TIDY = clang-tidy --quiet --warnings-as-errors="*" "$$@" -- -std=c17 -D_GNU_SOURCE \
       -DVERSION=\"$(VERSION)\" -I. $(PACKAGE_CFLAGS) \
       -Xclang -analyzer-config -Xclang max-nodes=40000
check-tidy:
	printf '%s\n' $(SOURCES) | xargs -P 2 -n 1 sh -c '$(TIDY)' tidy

check-shell:
	shellcheck $(SCRIPTS)

format:
	clang-format -i $(SOURCES) $(HEADERS) $(TEST_C)

clean:
	rm -rf build

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin

help:
	@echo 'make             build the programs under $(BIN)'
	@echo 'make demo        the whole stack on this machine, to try (Ctrl-C ends it)'
	@echo 'make demo-check  the same, unattended and checked from outside'
	@echo 'make test        all tests; STAGES="unit e2e" runs only these'
	@echo 'make test-image  the image built and run (needs root; takes minutes)'
	@echo 'make unit        the unit tests alone'
	@echo 'make check       the static checks alone'
	@echo 'make bench       what it costs, measured; writes build/bench/'
	@echo 'make fuzz        every parser with made-up input; FUZZ_SECONDS=600 for each; then make lies'
	@echo 'make lies        peers that lie at random, with new lies; LIES_SECONDS=0: without end'
	@echo 'make install     to PREFIX ($(PREFIX))'
	@echo 'VARIANT=asan     with any of these: address and undefined-behaviour sanitizers'

.PHONY: all units unit properties verify-driver test check check-format check-banned check-cppcheck check-tidy check-shell format clean install bench help
