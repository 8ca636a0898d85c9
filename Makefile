# lubdub: `make` builds, `make run` shows, `make test` proves. `make help` lists the rest.

LUA ?= lua5.4
BUILD ?= build
PEERS ?= .peers
CFLAGS ?= -O2 -g

SHELL := /bin/sh
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# LuaRocks passes LUA_INCDIR, CFLAGS and LIBFLAG; pkg-config knows the rest.
PKG := pkg-config
LUA_CFLAGS := $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(shell $(PKG) --cflags lua5.4 2>/dev/null || $(PKG) --cflags lua-5.4 2>/dev/null))
LIBFLAG ?= -shared
CORE_PKGS := sndfile soxr kissfft-float openblas
H5_PKGS := hdf5

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
OWN_CFLAGS := -std=c11 -fPIC -pthread -fvisibility=hidden -ffp-contract=off -fno-math-errno $(WARN) -Icsrc $(EXTRA_CFLAGS)

# Kernels are compiled once per variant (csrc/base/simd.h); other machines get the plain one.
ifneq (,$(filter x86_64 amd64,$(shell uname -m)))
VARIANTS := plain avx2 avx512
else
VARIANTS := plain
OWN_CFLAGS += -DLUB_ONLY_PLAIN
endif
VARIANT_plain := -DVL=4
VARIANT_avx2 := -DVL=8 -mavx2 -mfma
VARIANT_avx512 := -DVL=16 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
KERNEL_CFLAGS := -O3 -Wno-psabi

KERNELS := $(wildcard csrc/*/kernels/*.c)
H5_SOURCES := $(wildcard csrc/h5/*.c) csrc/lua/h5.c
SOURCES := $(filter-out $(KERNELS) $(H5_SOURCES),$(wildcard csrc/*/*.c csrc/*/*/*.c))
OBJECTS := $(SOURCES:csrc/%.c=$(BUILD)/%.o) $(foreach v,$(VARIANTS),$(KERNELS:csrc/%.c=$(BUILD)/%.$(v).o))
# h5.so is loaded with the first model only; it shares no symbols with core.so, so it brings its own copy of these
H5_SHARED := base/error base/shape base/aside base/memory tensor/tensor tensor/walk lua/class lua/tensor_object
H5_OBJECTS := $(H5_SOURCES:csrc/%.c=$(BUILD)/%.o) $(H5_SHARED:%=$(BUILD)/%.o)
CORE := lua/lubdub/core.so
H5 := lua/lubdub/h5.so

.PHONY: all
all: $(CORE) $(H5)

$(CORE): $(OBJECTS)
	$(CC) $(LIBFLAG) -pthread $(EXTRA_LDFLAGS) -o $@ $^ $(LDFLAGS) $$($(PKG) --libs $(CORE_PKGS)) -lm

$(H5): $(H5_OBJECTS)
	$(CC) $(LIBFLAG) -pthread $(EXTRA_LDFLAGS) -o $@ $^ $(LDFLAGS) $$($(PKG) --libs $(H5_PKGS)) -lm

# Objects depend on the flags, so that a build with other flags starts anew.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS) $(OWN_CFLAGS) $(LIBFLAG)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(OWN_CFLAGS) $(LIBFLAG)' > $@
FORCE:

define variant_rule
$(BUILD)/%.$(1).o: csrc/%.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(KERNEL_CFLAGS) $$(OWN_CFLAGS) $(VARIANT_$(1)) -DLUB_VARIANT_NAME=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach v,$(VARIANTS),$(eval $(call variant_rule,$(v))))

$(BUILD)/%.o: csrc/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(OWN_CFLAGS) $(LUA_CFLAGS) $$($(PKG) --cflags $(CORE_PKGS) $(H5_PKGS)) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf $(BUILD) $(CORE) $(H5) out doc
