# Fuzzing: a target for every decoder of outside input stands beside it as <name>_fuzz.c, one
# LLVMFuzzerTestOneInput() for all tools. Seeds are in tests/corpus/<name>, words of the format in
# tests/corpus/<name>.dict; what a run finds goes to build/fuzz/corpus-<name> (make fuzz-merge keeps
# of it what reaches new code). Included by the Makefile.
#
#   make fuzz T=job SECONDS=60        libFuzzer, ASan and UBSan
#   make fuzz-afl T=job SECONDS=60    AFL++, the same sanitizers
#   make fuzz-slice                   every target, SLICE_SECONDS each (part of make test)
#   make fuzz-coverage                the corpora's coverage of each decoder, as a table
#   make fuzz-merge T=job             what was found, minimised, into tests/corpus/<name>
#   make replay                       the corpora through the ordinary build (part of make unit)
SECONDS ?= 30
SLICE_SECONDS ?= 3
FUZZ_MAIN := $(wildcard */*_fuzz.c */*/*_fuzz.c)
FUZZ_NAMES := $(sort $(patsubst %_fuzz,%,$(basename $(notdir $(FUZZ_MAIN)))))
fuzz_main = $(filter %/$(1)_fuzz.c,$(FUZZ_MAIN))
fuzz_dict = $(if $(wildcard tests/corpus/$(1).dict),tests/corpus/$(1).dict)

# What the targets are linked with: of an archive, only what they need (no libuv, NATS or SQLite).
FUZZ_LIB := $(filter-out %_fuzz.c,$(wildcard $(addsuffix /*.c,base config egress link $(DIR_queue) results))) \
	$(addprefix sandbox/host/,inbox.c protocol.c claims.c) sandbox/frame.c executor/cluster/question.c executor/attempt/mask.c executor/sources/transform.c executor/cluster/worker_entry.c executor/services/fetch_ask.c executor/services/websocket_ask.c
FUZZ_LIBS := -ljansson -lsodium -lcrypto -lyaml -lwslay -lglib-2.0 -lz -lm
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -std=c17 -D_GNU_SOURCE -DISOLANE_VERSION='"$(VERSION)"' -I. -g -O1
build/fuzz/%/queue/schedule/zone.o build/fuzz/%/egress/ws_accept.o: FUZZ_CFLAGS += $(GLIB_CFLAGS)

# $(1): tool, $(2): compiler, $(3): flags of all files, $(4): of the link, $(5): what has main()
define fuzz_tool
build/fuzz/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	@echo "  CC    $$< ($(1))"
	@$(2) $$(FUZZ_CFLAGS) $(3) -MMD -MP -c $$< -o $$@
build/fuzz/$(1)/lib.a: $$(patsubst %.c,build/fuzz/$(1)/%.o,$$(FUZZ_LIB))
	@rm -f $$@
	@ar crs $$@ $$^
$$(foreach n,$$(FUZZ_NAMES),$$(eval build/fuzz/$(1)/replay_$$(n): build/fuzz/$(1)/$$(patsubst %.c,%.o,$$(call fuzz_main,$$(n))) $(5) build/fuzz/$(1)/lib.a ; \
	@echo "  LINK  $$$$@"; $(2) $(3) $(4) -o $$$$@ $$$$^ $$(FUZZ_LIBS)))
endef
$(eval $(call fuzz_tool,libfuzzer,clang,-fsanitize=fuzzer-no-link $(FUZZ_SAN),-fsanitize=fuzzer))
$(eval $(call fuzz_tool,afl,AFL_QUIET=1 AFL_LLVM_CMPLOG=0 afl-clang-fast,$(FUZZ_SAN),-fsanitize=fuzzer))
$(eval $(call fuzz_tool,cov,clang,-fprofile-instr-generate -fcoverage-mapping,,build/fuzz/cov/tests/fuzz/replay.o))

.PHONY: fuzz fuzz-afl fuzz-slice fuzz-coverage fuzz-merge fuzz-known replay
fuzz-known:
	@$(if $(filter $(T),$(FUZZ_NAMES)),,echo 'T=$(T): allowed: $(FUZZ_NAMES)' >&2; exit 2)

fuzz: fuzz-known build/fuzz/libfuzzer/replay_$(T)
	@mkdir -p build/fuzz/corpus-$(T)
	@build/fuzz/libfuzzer/replay_$(T) -max_total_time=$(SECONDS) -max_len=70000 -print_final_stats=1 -timeout=10 \
		-artifact_prefix=build/fuzz/$(T)- $(addprefix -dict=,$(call fuzz_dict,$(T))) $(FUZZ_FLAGS) build/fuzz/corpus-$(T) tests/corpus/$(T)

fuzz-afl: fuzz-known build/fuzz/afl/replay_$(T)
	@AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 afl-fuzz -V $(SECONDS) -i tests/corpus/$(T) \
		-o build/fuzz/afl-$(T) $(addprefix -x ,$(call fuzz_dict,$(T))) -- build/fuzz/afl/replay_$(T) > build/fuzz/afl-$(T).log \
		|| { tail -20 build/fuzz/afl-$(T).log; exit 1; }
	@grep -E '^(execs_done|execs_per_sec|corpus_count|saved_crashes|saved_hangs|bitmap_cvg) ' build/fuzz/afl-$(T)/default/fuzzer_stats
	@! ls build/fuzz/afl-$(T)/default/crashes/id* 2>/dev/null

# A short look by every target. Its finds are not kept: each run starts from the seeds.
fuzz-slice: $(addprefix build/fuzz/libfuzzer/replay_,$(FUZZ_NAMES))
	@for t in $(FUZZ_NAMES); do \
		dict=tests/corpus/$$t.dict; [ -e $$dict ] && dict=-dict=$$dict || dict=; \
		rm -rf build/fuzz/slice-$$t; mkdir -p build/fuzz/slice-$$t; \
		build/fuzz/libfuzzer/replay_$$t -max_total_time=$(SLICE_SECONDS) -max_len=20000 -timeout=10 -print_final_stats=1 \
			-artifact_prefix=build/fuzz/$$t- $$dict build/fuzz/slice-$$t tests/corpus/$$t > build/fuzz/slice-$$t.log 2>&1 \
			|| { tail -40 build/fuzz/slice-$$t.log; exit 1; }; \
		printf 'fuzz %-9s %9s executions, none went wrong\n' $$t "$$(sed -n 's/^stat::number_of_executed_units: *//p' build/fuzz/slice-$$t.log)"; \
	done

fuzz-merge: fuzz-known build/fuzz/libfuzzer/replay_$(T)
	@mkdir -p build/fuzz/corpus-$(T)
	@build/fuzz/libfuzzer/replay_$(T) -merge=1 -max_len=4096 tests/corpus/$(T) build/fuzz/corpus-$(T) 2>&1 | tail -2

# The corpora alone, no fuzzer.
fuzz-coverage: $(addprefix build/fuzz/cov/replay_,$(FUZZ_NAMES))
	@for t in $(FUZZ_NAMES); do LLVM_PROFILE_FILE=build/fuzz/cov/$$t.raw build/fuzz/cov/replay_$$t >/dev/null 2>&1 || exit 1; done
	@llvm-profdata merge -sparse -o build/fuzz/cov/all.prof $(patsubst %,build/fuzz/cov/%.raw,$(FUZZ_NAMES))
	@llvm-cov report -show-branch-summary=false -instr-profile build/fuzz/cov/all.prof \
		build/fuzz/cov/replay_$(firstword $(FUZZ_NAMES)) $(patsubst %,-object build/fuzz/cov/replay_%,$(FUZZ_NAMES)) $(FUZZ_DECODERS) \
		| awk 'BEGIN { printf "%-26s %8s %7s %8s %7s\n", "decoder", "regions", "reached", "lines", "reached" } \
			/\.c |^TOTAL/ { printf "%-26s %8s %7s %8s %7s\n", $$1, $$2, $$4, $$8, $$10 }'
FUZZ_DECODERS := $(wildcard base/jv.c base/jv_text.c base/utf8.c config/file.c config/file_tenant.c config/reader.c config/keys.c config/permissions.c base/ip.c egress/address.c egress/host.c egress/url.c link/address.c link/creds.c link/nkey.c link/subjects.c \
	link/acksubject.c queue/job/archive.c queue/job/archive_gzip.c queue/job/job.c queue/job/job_archive.c queue/job/job_permissions.c queue/schedule/cron.c queue/schedule/cron_next.c queue/schedule/schedule.c results/envelope.c results/row.c sandbox/frame.c sandbox/host/inbox.c sandbox/host/protocol.c \
	sandbox/host/claims.c sandbox/zygote/invoke.c sandbox/zygote/wire.c executor/cluster/question.c)

# The corpora through the ordinary build: what was once found stays found.
REPLAY_BIN := $(addprefix $(B)/tests/replay_,$(FUZZ_NAMES))
$(foreach n,$(FUZZ_NAMES),$(eval $(B)/tests/replay_$(n): $(B)/obj/$(patsubst %.c,%.o,$(call fuzz_main,$(n))) $(B)/obj/tests/fuzz/replay.o $(ARCHIVES) ; \
	@mkdir -p $$(@D); $$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(foreach r,$$(call reverse,$$(ROOMS)),$$(call archive_of,$$(r))) $$(LIBS)))
replay: $(REPLAY_BIN)
	@$(PROVE) --exec '' $(REPLAY_BIN)
