# Bench programs link the executor and everything below it. `make bench` never passes or fails on time.
BENCH_PROGRAMS := floor dispatch jail budgets queue fair reuse memory coldstart typescript code durability
# Started by its own target: it takes minutes.
BENCH_SCALE := scale
BENCH_ROOMS := $(filter-out cli,$(ROOMS))
BENCH_ARCHIVES := $(foreach r,$(call reverse,$(BENCH_ROOMS)),$(call archive_of,$(r)))
BENCH_SHARED := $(B)/obj/bench/measure.o $(B)/obj/bench/bed.o $(B)/obj/bench/upworker.o $(B)/obj/bench/upparts.o $(B)/obj/bench/publisher.o $(B)/obj/bench/tidy.o

# Further objects of a program.
BENCH_OBJECTS_dispatch := handlers
BENCH_OBJECTS_budgets := handlers
BENCH_OBJECTS_typescript := handlers
BENCH_OBJECTS_code := handlers
BENCH_OBJECTS_floor := floor_fork floor_sqlite floor_nats natsbed smallresult zygotebed
BENCH_OBJECTS_memory := zygotebed
BENCH_OBJECTS_durability := natsbed smallresult
bench_objects = $(foreach o,$(1) $(BENCH_OBJECTS_$(1)),$(B)/obj/bench/$(o).o)

.PHONY: bench-programs
bench-programs: $(foreach p,$(BENCH_PROGRAMS) $(BENCH_SCALE),$(B)/bench/$(p))

define bench_rule
$(B)/bench/$(1): $(call bench_objects,$(1)) $(BENCH_SHARED) $(BENCH_ARCHIVES)
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	@$$(CC) $$(LDFLAGS) -o $$@ $(call bench_objects,$(1)) $(BENCH_SHARED) $(BENCH_ARCHIVES) $$(LIBS)
endef
$(foreach p,$(BENCH_PROGRAMS) $(BENCH_SCALE),$(eval $(call bench_rule,$(p))))

bench: all
	@$(MAKE) --no-print-directory bench-programs
	@bench/run.sh $(BENCH_PROGRAMS)

# Instructions and system calls of a job beside those that bench/check.json keeps; CHECK_ARGS=--write keeps new ones.
.PHONY: bench-check
bench-check: all
	@tools/deps.sh strace valgrind || echo 'bench-check: goes on with what is there'
	@$(MAKE) --no-print-directory bench-programs engine-shell
	@$(NODE) bench/check.mjs $(CHECK_ARGS)

# CPU-heavy scripts in a cell beside Node.js of the same version.
.PHONY: bench-kernels
bench-kernels: build-all
	@$(NODE) bench/kernels.mjs $(KERNELS_ARGS)

# One worker as tenants, scripts and sizes grow: table and line charts.
.PHONY: bench-scale
bench-scale: all
	@$(MAKE) --no-print-directory bench-programs
	@$(NODE) bench/scale.mjs $(SCALE_ARGS)

# Flame graphs of the supervisor and of the cells; needs Linux perf. FLAME_ARGS='--mode script'
.PHONY: bench-flame
bench-flame: all
	@tools/deps.sh linux-perf || echo 'bench-flame: goes on with what is there'
	@$(MAKE) --no-print-directory bench-programs
	@$(NODE) bench/flame.mjs $(FLAME_ARGS)

# crypto.subtle in a cell beside Node.js of the same version.
.PHONY: bench-subtle
bench-subtle: build-all
	@$(NODE) bench/subtle.mjs $(SUBTLE_ARGS)

# Isolane beside what others use; installs the peers first (bench/peers/README.md).
PEERS_ARGS ?=
.PHONY: bench-peers
bench-peers: build-all bench/peers/node_modules/.package-lock.json
	@tools/deps.sh bubblewrap
	@$(NODE) bench/peers/run.mjs $(PEERS_ARGS)
bench/peers/node_modules/.package-lock.json: bench/peers/package-lock.json
	@cd bench/peers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json

# The way of a result alone, without executor and cells: links results/ and what is below it.
RESULTS_BENCH_ARCHIVES := $(foreach r,$(call reverse,$(call rooms_below,results,$(ROOMS))),$(call archive_of,$(r)))
$(B)/bench/results_bench: $(B)/obj/bench/results_bench.o $(B)/obj/bench/smallresult.o $(B)/obj/bench/measure.o $(RESULTS_BENCH_ARCHIVES)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $< $(B)/obj/bench/smallresult.o $(B)/obj/bench/measure.o $(RESULTS_BENCH_ARCHIVES) $(LIBS)
