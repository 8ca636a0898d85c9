# lubdub: `make run` shows it, `make test` proves it; both install what is missing first. `make help` lists the rest.

LUA ?= $(shell command -v lua5.4 || command -v lua54 || echo lua5.4)
PEERS ?= .peers
CFLAGS ?= -O2 -g

SHELL := /bin/sh
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# ---- What is built, and where to. BUILD takes the objects, SO the libraries: sanitizers, lint and LuaRocks have
# ---- folders of their own, so that none of them touches what lies beside the Lua files.
BUILD ?= build
SO ?= lua/lubdub

# LuaRocks passes LUA_INCDIR, CFLAGS and LIBFLAG; pkg-config knows the rest.
PKG := pkg-config
LUA_PKG := $(shell for name in lua5.4 lua-5.4 lua54; do \
  $(PKG) --exists $$name 2>/dev/null && echo $$name && exit; done; echo lua5.4)
LUA_CFLAGS := $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(shell $(PKG) --cflags $(LUA_PKG) 2>/dev/null))
LIBFLAG ?= -shared
CORE_PKGS := sndfile soxr kissfft-float openblas zlib
H5_PKGS := hdf5
ZIP_PKGS := libzip zlib

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
OWN_CFLAGS := -std=c11 -fPIC -pthread -fvisibility=hidden -ffp-contract=off -fno-math-errno $(WARN) -Icsrc \
  $(EXTRA_CFLAGS)

# Kernels are compiled once per variant (csrc/base/simd.h); other machines get the plain one.
ifneq (,$(filter x86_64 amd64,$(shell uname -m)))
VARIANTS := plain avx2 avx512
else
VARIANTS := plain
OWN_CFLAGS += -DLUB_ONLY_PLAIN
endif
VARIANT_plain := -DVL=4
VARIANT_avx2 := -DVL=8 -mavx2 -mfma -mpopcnt
VARIANT_avx512 := -DVL=16 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mpopcnt -mprefer-vector-width=512
KERNEL_CFLAGS := -O3 -Wno-psabi

# The other loops of the engine and of the readers are plain C: one build for all CPUs, for gcc to vectorize.
$(BUILD)/nn/%.o $(BUILD)/audio/%.o: OWN_CFLAGS += -O3

KERNELS := $(wildcard csrc/*/kernels/*.c)
H5_SOURCES := $(wildcard csrc/h5/*.c) csrc/lua/h5.c
ZIP_SOURCES := $(wildcard csrc/zip/*.c) csrc/lua/zip.c
SOURCES := $(filter-out $(KERNELS) $(H5_SOURCES) $(ZIP_SOURCES),$(wildcard csrc/*/*.c csrc/*/*/*.c))
OBJECTS := $(SOURCES:csrc/%.c=$(BUILD)/%.o) $(foreach v,$(VARIANTS),$(KERNELS:csrc/%.c=$(BUILD)/%.$(v).o))
# h5_writer.so and zip.so are loaded with the first file that is written, or is an archive; reading HDF5 is core's
# (csrc/h5/reader). They share no symbols with core.so, and bring copies of these
H5_SHARED := base/error base/shape base/aside base/memory tensor/tensor tensor/walk lua/class lua/tensor_object
H5_OBJECTS := $(H5_SOURCES:csrc/%.c=$(BUILD)/%.o) $(H5_SHARED:%=$(BUILD)/%.o)
ZIP_OBJECTS := $(ZIP_SOURCES:csrc/%.c=$(BUILD)/%.o) $(patsubst %,$(BUILD)/%.o,base/error base/aside lua/class)
CORE := $(SO)/core.so
H5 := $(SO)/h5_writer.so
ZIP := $(SO)/zip.so
CORE_DOC := $(SO)/core.comments

# V=1 shows the commands in full.
brief = $(if $(V),,@echo '  $(1) $@';)

.PHONY: all
all: $(CORE) $(H5) $(ZIP) $(CORE_DOC) ## build, and nothing else (LuaRocks calls this)

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(call brief,link)$(CC) $(LIBFLAG) -pthread $(EXTRA_LDFLAGS) -o $@ $^ $(LDFLAGS) $$($(PKG) --libs $(CORE_PKGS)) -lm

$(H5): $(H5_OBJECTS)
	@mkdir -p $(@D)
	$(call brief,link)$(CC) $(LIBFLAG) -pthread $(EXTRA_LDFLAGS) -o $@ $^ $(LDFLAGS) $$($(PKG) --libs $(H5_PKGS)) -lm

$(ZIP): $(ZIP_OBJECTS)
	@mkdir -p $(@D)
	$(call brief,link)$(CC) $(LIBFLAG) -pthread $(EXTRA_LDFLAGS) -o $@ $^ $(LDFLAGS) $$($(PKG) --libs $(ZIP_PKGS))

# What lubdub.help says of functions in C: their comments, since the sources are not installed.
$(CORE_DOC): $(wildcard csrc/lua/*.c)
	@mkdir -p $(@D)
	$(call brief,collect)sed -n '/^\/\*\*\*/,/\*\//p' $^ > $@

# Objects depend on the flags, so that a build with other flags starts anew.
FLAGS = $(CC) $(CFLAGS) $(OWN_CFLAGS) $(LIBFLAG) $(EXTRA_LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || { $(CAN_BUILD) && echo '$(FLAGS)' > $@; }
FORCE:

# A first build looks whether it can succeed before the compiler says so in many more words.
CAN_BUILD = { { command -v $(firstword $(CC)) && $(PKG) --exists $(CORE_PKGS) $(H5_PKGS) $(ZIP_PKGS) && \
  { [ -n '$(LUA_INCDIR)' ] || $(PKG) --exists $(LUA_PKG); }; } >/dev/null 2>&1 || \
  { echo "lubdub: a compiler or a library is missing; make deps installs it, or names it" >&2; exit 1; }; }

define variant_rule
$(BUILD)/%.$(1).o: csrc/%.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(call brief,compile)$$(CC) $$(CFLAGS) $$(KERNEL_CFLAGS) $$(OWN_CFLAGS) $(VARIANT_$(1)) -DLUB_VARIANT_NAME=$(1) \
	  -MMD -MP -c -o $$@ $$<
endef
$(foreach v,$(VARIANTS),$(eval $(call variant_rule,$(v))))

$(BUILD)/%.o: csrc/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call brief,compile)$(CC) $(CFLAGS) $(OWN_CFLAGS) $(LUA_CFLAGS) $$($(PKG) --cflags $(CORE_PKGS) $(H5_PKGS) $(ZIP_PKGS)) \
	  -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d) $(H5_OBJECTS:.o=.d) $(ZIP_OBJECTS:.o=.d)

# ---- For users. What installs packages comes before a make of its own, since pkg-config's answers change with it.
DEPS := CC='$(CC)' LUA='$(LUA)' tools/deps.sh
SUBMAKE = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))
OPTIONS := DATA EPOCHS BATCH_SIZE SEED GROUPS OUT
dashed = $(subst _,-,$(shell echo $(1) | tr A-Z a-z))

.PHONY: deps run test
deps: ## install what `run` and `test` need from the distribution
	@$(DEPS) build run test

run: ## train on the built-in hearts; DATA=folder EPOCHS= BATCH_SIZE= SEED= GROUPS= OUT=folder
	@$(DEPS) build run
	$(SUBMAKE) all
	$(LUA) examples/train.lua $(foreach o,$(OPTIONS),$(if $($(o)),--$(call dashed,$(o)) '$($(o))'))

test: ## build, lint, run the specs (SPEC="file..." runs only these)
	@$(DEPS) build run test
	$(SUBMAKE) all lint
	@LUA='$(LUA)' tools/test.sh $(SPEC)

.PHONY: lint objects
lint: ## luacheck, and gcc with warnings as errors
	luacheck --quiet --no-color $(wildcard lua spec examples bench tools kernel)
	$(SUBMAKE) objects BUILD=$(BUILD)/lint EXTRA_CFLAGS=-Werror

objects: $(OBJECTS) $(H5_OBJECTS) $(ZIP_OBJECTS)

# ---- More proof: sanitizers, valgrind, every CPU variant, kill -9, LuaRocks. SPEC narrows the specs here too.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ASAN = LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)" \
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
# (valgrind shows its programs a CPU without AVX-512)
VALGRIND = valgrind --quiet --suppressions=tools/valgrind.supp --leak-check=full --keep-debuginfo=yes \
  --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --error-exitcode=9

.PHONY: test-all sanitize valgrind variants kills rock-test
test-all: ## `test`, then sanitizers, valgrind, every CPU variant, kills, the rock and the API pages
	$(SUBMAKE) test
	$(SUBMAKE) -j1 sanitize valgrind variants kills rock-test doc
	@echo "test-all: all of it passed"

# Examples and notebooks run the plain build even then.
sanitize: ## the specs under AddressSanitizer and UBSan
	@$(DEPS) build run test
	$(SUBMAKE) all
	$(SUBMAKE) all BUILD=build/sanitize SO=build/sanitize/so/lubdub CFLAGS='-O1 -g' \
	  EXTRA_CFLAGS='$(SANITIZE)' EXTRA_LDFLAGS='$(SANITIZE)'
	@$(ASAN) LUBDUB_MUTATIONS=$${LUBDUB_MUTATIONS:-200} SO=build/sanitize/so LUA='$(LUA)' tools/test.sh $(SPEC)

valgrind: ## a short run from synthetic hearts to a saved model under valgrind
	@$(DEPS) build run check
	$(SUBMAKE) all
	$(VALGRIND) $(LUA) tools/short_run.lua

variants: ## the specs with each set of kernels that this CPU has
	@$(DEPS) build run test
	$(SUBMAKE) all
	@for cpu in $$($(LUA) tools/variants.lua); do \
	  echo "LUBDUB_CPU=$$cpu"; LUBDUB_SHAPES=1000 LUBDUB_CPU=$$cpu LUA='$(LUA)' tools/test.sh $(SPEC) || exit; done

kills: ## kill -9 while files are saved and while models train, 200 times each (LUBDUB_KILLS)
	@$(DEPS) build run test
	$(SUBMAKE) all
	@LUBDUB_KILLS=$${LUBDUB_KILLS:-200} LUA='$(LUA)' tools/test.sh spec/kill_spec.lua

# ---- Python peers: what golden values and comparisons come from. lubdub itself needs none of this.
WITH_PEERS = [ -x $(PEERS)/bin/python ] || \
  { echo "lubdub: this needs Python's libraries, and $(PEERS) has none; make peers installs them" >&2; exit 1; }

.PHONY: peers peers-keras interop interop-run browser bench
peers: ## the Python environment of interop, bench and the golden values (PEERS=folder)
peers-keras: ## the part of it that interop needs: a tenth of the size
peers peers-keras:
	@$(DEPS) peers
	python3 -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --requirement tools/$@.txt

# Nothing that Keras is needed for can be shown without it: where it is missing, that is said, and is no failure.
interop: ## models to Keras and back, and to ONNX Runtime; skipped where Keras is not installed
	@if [ -x $(PEERS)/bin/python ]; then \
	  $(MAKE) --no-print-directory interop-run; \
	else \
	  echo "lubdub: interop is skipped: there is no Python with Keras in $(PEERS); make peers installs it"; \
	fi

interop-run:
	@$(DEPS) build run
	$(SUBMAKE) all
	@rm -rf build/interop && mkdir -p build/interop
	$(LUA) spec/interop/write_models.lua build/interop
	$(LUA) spec/interop/write_random.lua build/interop 50 16
	$(PEERS)/bin/python spec/interop/keras_opens.py build/interop
	$(PEERS)/bin/python spec/interop/keras_trains.py build/interop
	$(PEERS)/bin/python spec/interop/write_random.py build/interop 50 16
	$(LUA) spec/interop/lubdub_trains.lua build/interop
	$(LUA) spec/interop/write_onnx.lua build/interop 10 50 16
	$(PEERS)/bin/python spec/interop/onnx_opens.py build/interop

browser: ## a report, opened in headless Chromium on a wide screen and at a phone's width
	@$(DEPS) build run browser
	$(SUBMAKE) all
	$(LUA) examples/report.lua --epochs 10 --out build/browser/report.html
	$(LUA) tools/check_report.lua build/browser/report.html

bench: ## speed, beside the peers' where they are installed
	@$(DEPS) build run
	$(SUBMAKE) all
	@LUA='$(LUA)' PYTHON='$(PEERS)/bin/python' tools/bench.sh

# ---- Into a Lua tree, by LuaRocks or by hand.
PREFIX ?= /usr/local
INST_LUADIR ?= $(PREFIX)/share/lua/5.4
INST_LIBDIR ?= $(PREFIX)/lib/lua/5.4
LUA_FILES = $(shell cd lua && find lubdub -name '*.lua')
SO_FILES := lubdub/core.so lubdub/h5_writer.so lubdub/zip.so

.PHONY: install uninstall rock
install: all ## into PREFIX (/usr/local); DESTDIR for packagers
	@for file in $(LUA_FILES); do install -D -m 644 lua/$$file "$(DESTDIR)$(INST_LUADIR)/$$file" || exit; done
	@for file in $(SO_FILES); do install -D -m 755 $(SO)/$${file#lubdub/} "$(DESTDIR)$(INST_LIBDIR)/$$file" || exit; done
	@install -D -m 644 $(CORE_DOC) "$(DESTDIR)$(INST_LIBDIR)/lubdub/core.comments"

uninstall: ## what install put there
	@cd lua && for file in $(LUA_FILES); do rm -f "$(DESTDIR)$(INST_LUADIR)/$$file"; done
	@for file in $(SO_FILES) lubdub/core.comments; do rm -f "$(DESTDIR)$(INST_LIBDIR)/$$file"; done
	@for folder in "$(DESTDIR)$(INST_LUADIR)/lubdub" "$(DESTDIR)$(INST_LIBDIR)/lubdub"; do \
	  [ ! -d "$$folder" ] || find "$$folder" -depth -type d -empty -delete; done

LUAROCKS := luarocks --lua-version 5.4
rock: ## build and install the rock with the distribution's Lua modules, without a network (TREE=folder)
	@$(DEPS) build run rock
	@mkdir -p build && $(LUA) tools/provided.lua > build/luarocks.lua
	+LUAROCKS_CONFIG='$(CURDIR)/build/luarocks.lua' $(LUAROCKS) $(if $(TREE),--tree '$(TREE)') make lubdub-scm-1.rockspec

rock-test: ## the rock into a new tree, used from elsewhere, and removed again
	@$(DEPS) build run rock
	@MAKE='$(MAKE)' LUA='$(LUA)' tools/rock_test.sh

# ---- Jupyter.
.PHONY: kernel notebooks
kernel: ## the Lua kernel into this user's Jupyter (PYTHON=one with ipykernel)
	@$(DEPS) build run
	$(SUBMAKE) all
	@LUA='$(LUA)' kernel/install.sh

notebooks: ## run the notebooks anew and store what they show (DATA=../data/pascal2011)
	@$(DEPS) build run
	@$(DEPS) jupyter || true
	$(SUBMAKE) all
	@LUA='$(LUA)' tools/notebooks.sh $(if $(DATA),'$(abspath $(DATA))')

# ---- The rest.
.PHONY: doc clean help
doc: ## API pages in doc/ (LDoc)
	@$(DEPS) doc
	ldoc --quiet --fatalwarnings .

clean: ## remove all that was made here
	rm -rf build out doc lua/lubdub/core.so lua/lubdub/h5_writer.so lua/lubdub/zip.so \
	  lua/lubdub/core.comments

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r target text; do \
	  printf '  make %-10s %s\n' "$$target" "$$text"; done
