# An engine folder whose cell runtime holds tests/zygote/fake_engine.c in place of V8: for what a real
# cell cannot be made to do. The processes in it are the real ones. Never built with sanitizers (it is
# preloaded into node), so both builds share it. Included by the Makefile.
FAKE_E := build/fake-engine
FAKE_OBJ := $(patsubst %.c,$(EO)/%.o,$(ENGINE_C) tests/zygote/fake_engine.c)

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
