# The test build of tests/escape: the product's own objects, but for the few files below, which are
# compiled again with -DISOLANE_ESCAPE. It lies in build/escape and is never installed.
X := build/escape
XO := $(X)/obj
XE := $(X)/engine
ESCAPE_HOST := sandbox/jail/clone.c sandbox/jail/enter.c sandbox/jail/seal.c sandbox/host/launch.c executor/cells/pool.c
ESCAPE_CELL := sandbox/jail/clone.c sandbox/jail/enter.c sandbox/jail/seal.c sandbox/zygote/wire.c sandbox/engine/engine.cc
ESCAPE_HOST_OBJ := $(patsubst %.c,$(XO)/host/%.o,$(ESCAPE_HOST) tests/escape/layers.c)
ESCAPE_CELL_OBJ := $(addprefix $(XO)/cell/,$(addsuffix .o,$(basename $(ESCAPE_CELL) tests/escape/layers.c tests/escape/native.cc)))
ESCAPE_SAME_OBJ := $(filter-out $(addprefix $(EO)/,$(addsuffix .o,$(basename $(ESCAPE_CELL)))),$(ENGINE_OBJ))

.PHONY: escape escape-build
escape-build: $(X)/isolane $(XE)/node $(XE)/libisolane-cell.so $(XE)/snapshot.bin

# Objects that stand before the archives take the place of the archives' own.
$(X)/isolane: $(ESCAPE_HOST_OBJ) build/isolane
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ build/obj/cli/main.o $(ESCAPE_HOST_OBJ) $(foreach r,$(call reverse,$(ROOMS)),$(call archive_of,$(r))) $(LIBS)
$(XO)/host/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	@echo "  CC    $< (escape)"
	@$(CC) $(CFLAGS) -DISOLANE_ESCAPE -fPIE -MMD -MP -c $< -o $@
$(XO)/cell/%.o: %.c | build/gen/seccomp_filter.h build/gen/syscall_names.h
	@mkdir -p $(@D)
	@echo "  CC    $< (escape, cell)"
	@$(CC) $(ENGINE_CFLAGS) -DISOLANE_ESCAPE -MMD -MP -c $< -o $@
$(XO)/cell/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  CXX   $< (escape)"
	@$(CXX) $(ENGINE_CXXFLAGS) -DISOLANE_ESCAPE -MMD -MP -c $< -o $@
$(XE)/node: $(NODE)
	@mkdir -p $(@D)
	@ln -sfn ../../../$(NODE) $@
$(XE)/libisolane-cell.so: $(ESCAPE_CELL_OBJ) $(ESCAPE_SAME_OBJ) sandbox/zygote/exports.map
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CXX) -shared -o $@.new $(ESCAPE_CELL_OBJ) $(ESCAPE_SAME_OBJ) -Wl,-z,relro,-z,now,-z,noexecstack \
		-Wl,--version-script=sandbox/zygote/exports.map -Wl,-Bsymbolic -ldl -l:libsodium.a
	@mv $@.new $@
$(XE)/snapshot.bin: build/gen/builtins.js $(XE)/libisolane-cell.so $(XE)/node
	@echo "  GEN   $@"
	@LD_PRELOAD=$(abspath $(XE)/libisolane-cell.so) $(abspath $(XE)/node) isolane-snapshot $< $@

# Attacks on every layer, whole and alone. A namespace of its own for network, processes and mounts.
escape: build-all escape-build
	@$(PROVE) --exec '$(NODE_TAP)' $(wildcard tests/escape/*.test.mjs)
