# The decoder of jobs under libFuzzer: make fuzz-job FUZZ_SECONDS=60. What it finds worth keeping goes
# to build/fuzz/corpus-job; the seeds stay as they are. A seed's first byte says what is known beside
# the payload (queue/job_fuzz.c).
FUZZ_SECONDS ?= 30
FUZZ_JOB_SRC := queue/job_fuzz.c queue/job.c queue/job_permissions.c link/subjects.c \
	$(addprefix config/,limits.c permissions.c profile.c secrets.c tenant.c) \
	$(addprefix base/,buf.c crypto.c err.c jsonw.c jv.c jv_text.c fs.c keyfile.c mem.c nearest.c sealed.c utf8.c)
build/fuzz/job_fuzz: $(FUZZ_JOB_SRC) queue/job.h queue/decoding.h
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	@clang -std=c17 -D_GNU_SOURCE -I. -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $(FUZZ_JOB_SRC) -ljansson -lsodium
.PHONY: fuzz-job
fuzz-job: build/fuzz/job_fuzz
	@mkdir -p build/fuzz/corpus-job
	@$< -max_total_time=$(FUZZ_SECONDS) -max_len=70000 -print_final_stats=1 build/fuzz/corpus-job tests/corpus/job

# A short look by every fuzzer, as part of `make test`.
fuzz-slice:
	@$(MAKE) --no-print-directory fuzz-job FUZZ_SECONDS=10
	@$(MAKE) --no-print-directory fuzz-frames FUZZ_SECONDS=10
