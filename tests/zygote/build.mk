# An engine folder whose cell runtime holds tests/zygote/fake_engine.c in place of V8: for what a real
# cell cannot be made to do. The processes in it are the real ones. Never built with sanitizers (it is
# preloaded into node), so both builds share it. Included by the Makefile.
FAKE_E := build/fake-engine
FAKE_OBJ := $(patsubst %.c,$(EO)/%.o,$(ENGINE_C) tests/zygote/fake_engine.c tests/zygote/fake_enemy.c)

.PHONY: fake-engine
fake-engine: $(FAKE_E)/node $(FAKE_E)/libisolane-cell.so $(FAKE_E)/snapshot.bin

$(FAKE_E)/node: $(NODE)
	@mkdir -p $(@D)
	@ln -sfn ../../$(NODE) $@
$(FAKE_E)/libisolane-cell.so: $(FAKE_OBJ) sandbox/zygote/exports.map
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -shared -o $@ $(FAKE_OBJ) -Wl,-z,relro,-z,now,-z,noexecstack \
		-Wl,--version-script=sandbox/zygote/exports.map -Wl,-Bsymbolic -ldl
$(FAKE_E)/snapshot.bin: $(FAKE_E)/libisolane-cell.so $(FAKE_E)/node
	@echo "  GEN   $@"
	@LD_PRELOAD=$(abspath $(FAKE_E)/libisolane-cell.so) $(abspath $(FAKE_E)/node) isolane-snapshot - $@

$(filter $(B)/tests/host_% $(B)/tests/executor_%,$(UNIT_BIN)): | fake-engine

# A zygote that was taken over: takes node's place, beside the tests that start it. Static, because
# what node is preloaded with must not get into it.
$(B)/tests/enemy_zygote: tests/zygote/enemy_zygote.c sandbox/frame.h sandbox/zygote/control.h
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -std=c17 -D_GNU_SOURCE -I. -g -O1 $(WARN) -static -o $@ $<
$(B)/tests/host_enemy_zygote_test: | $(B)/tests/enemy_zygote

# Of the zygote's own code, which is in no archive.
$(B)/tests/host_spare_test: LDFLAGS += $(EO)/sandbox/zygote/spare.o
$(B)/tests/host_spare_test: | $(EO)/sandbox/zygote/spare.o

# The same with a probe that lies (tests/zygote/lying_probe.c): which lie, its snapshot file says.
LYING_E := build/lying-engine
.PHONY: lying-engine
lying-engine: $(LYING_E)/node $(LYING_E)/libisolane-cell.so $(LYING_E)/snapshot.bin
$(LYING_E)/node: $(NODE)
	@mkdir -p $(@D)
	@ln -sfn ../../$(NODE) $@
$(LYING_E)/libisolane-cell.so: $(filter-out $(EO)/sandbox/zygote/probe.o,$(FAKE_OBJ)) $(EO)/tests/zygote/lying_probe.o sandbox/zygote/exports.map
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -shared -o $@ $(filter %.o,$^) -Wl,-z,relro,-z,now,-z,noexecstack \
		-Wl,--version-script=sandbox/zygote/exports.map -Wl,-Bsymbolic -ldl
$(LYING_E)/snapshot.bin: $(LYING_E)/libisolane-cell.so $(LYING_E)/node
	@LD_PRELOAD=$(abspath $(LYING_E)/libisolane-cell.so) $(abspath $(LYING_E)/node) isolane-snapshot - $@

# The real engine with a hole in its cells' filter: build/hole-<system call>, build/hole-all.
HOLES := openat all
define hole_engine
build/hole-$(1)/gen/seccomp_filter.h: build/gen/mkfilter
	@mkdir -p $$(@D)
	@$$< filter $(1) > $$@
build/hole-$(1)/seal.o: sandbox/jail/seal.c build/hole-$(1)/gen/seccomp_filter.h
	@echo "  CC    $$< (with a hole: $(1))"
	@$$(CC) -Ibuild/hole-$(1)/gen $$(ENGINE_CFLAGS) -MMD -MP -c $$< -o $$@
build/hole-$(1)/node: $$(NODE)
	@mkdir -p $$(@D)
	@ln -sfn ../../$$(NODE) $$@
build/hole-$(1)/libisolane-cell.so: $$(filter-out $$(EO)/sandbox/jail/seal.o,$$(ENGINE_OBJ)) build/hole-$(1)/seal.o sandbox/zygote/exports.map
	@echo "  LINK  $$@"
	@$$(CXX) -shared -o $$@ $$(filter %.o,$$^) -Wl,-z,relro,-z,now,-z,noexecstack \
		-Wl,--version-script=sandbox/zygote/exports.map -Wl,-Bsymbolic -ldl -l:libsodium.a
build/hole-$(1)/snapshot.bin: build/gen/builtins.js build/hole-$(1)/libisolane-cell.so build/hole-$(1)/node
	@LD_PRELOAD=$$(abspath build/hole-$(1)/libisolane-cell.so) $$(abspath build/hole-$(1)/node) isolane-snapshot $$< $$@
endef
$(foreach h,$(HOLES),$(eval $(call hole_engine,$(h))))
.PHONY: hole-engines
hole-engines: $(foreach h,$(HOLES),build/hole-$(h)/snapshot.bin)
