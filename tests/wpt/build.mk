# Web platform tests of a checkout that the person gives, in cells and in Node.js beside them.
.PHONY: wpt
WPT ?=
WPT_ARGS ?=
NODE_BESIDE ?= yes
wpt:
ifeq ($(WPT),)
	@echo 'get a checkout: git clone --depth 1 https://github.com/web-platform-tests/wpt; then: make wpt WPT=wpt'
else
	@$(MAKE) --no-print-directory build-all engine-shell
	@mkdir -p build
	@$(NODE) tests/wpt/run.mjs '$(WPT)' --json build/wpt.json $(if $(filter no,$(NODE_BESIDE)),--no-node) $(WPT_ARGS)
endif
