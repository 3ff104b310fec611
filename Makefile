# etl: programs that move records through pipes.  make; make demo; make check
VERSION = 0.1.0
PREFIX = /usr/local
PROGS = etl-extract etl-transform etl-load etl-dlq etl-run etl-via \
    etl-checkpoint etl-status

# make SAN=1: everything again, beside the plain build, under sanitizers.
ifdef SAN
B = build/san
BIN = build/san/bin
CFLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=undefined
LDFLAGS = -fsanitize=address,undefined
else
B = build
BIN = bin
# The flags that Debian builds with, without those that this compiler or
# processor does not have.  They need -O, and do not mix with sanitizers.
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(foreach flag, \
    -fstack-protector-strong -fstack-clash-protection -fcf-protection, \
    $(shell $(CC) -Werror $(flag) -S -o /dev/null -x c /dev/null 2>/dev/null \
    && echo $(flag)))
CFLAGS = -O2 -g $(HARDENING)
LDFLAGS = -Wl,-z,relro,-z,now
endif
CPPFLAGS = -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -D_GNU_SOURCE \
    -DETL_VERSION='"$(VERSION)"' -I. -Ilib -I$(B)
WARN = -std=c11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
    -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wcast-qual \
    -Wformat=2 -Wvla -Wundef -Wno-unused-parameter

# What each program links, besides its own folder and what it uses of lib.
DB_LIBS = -lpq -lsqlite3
LDLIBS_etl-extract = -lcurl -lssl -lz -lzstd $(DB_LIBS) -lmd
LDLIBS_etl-transform = -ljq -lseccomp -lmd -lm
LDLIBS_etl-load = $(DB_LIBS) -lmd -lm
LDLIBS_etl-dlq = $(DB_LIBS) -lmd
LDLIBS_etl-run = $(DB_LIBS) -lmd
LDLIBS_etl-via = -lmd
LDLIBS_etl-checkpoint = $(DB_LIBS) -lmd
LDLIBS_etl-status = $(DB_LIBS) -lmd
PQ_CPPFLAGS := -I$(shell pg_config --includedir 2>/dev/null)

# The objects of a folder and of the folders in it.
objects = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c $(1)/*/*.c))
LIB = $(B)/libetl.a
SQL = $(B)/sql_scripts.h
MODULE = $(B)/etl_module.h

all: $(PROGS:%=$(BIN)/%)

$(LIB): $(call objects,lib)
	@rm -f $@
	ar rcs $@ $^

define program
$(call objects,src/$(1)): CPPFLAGS += -Isrc/$(1)
$(BIN)/$(1): $(call objects,src/$(1)) $(LIB)
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS_$(1))
endef
$(foreach p,$(PROGS),$(eval $(call program,$(p))))

$(B)/%.o: %.c | $(SQL)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<

$(foreach f,pg pg_connect,$(B)/lib/db/$(f).o): CPPFLAGS += $(PQ_CPPFLAGS)
$(call objects,src/etl-transform): | $(MODULE)

$(SQL): $(wildcard sql/*/*.sql) sql/sql2c.awk
	@mkdir -p $(@D)
	awk -f sql/sql2c.awk $(sort $(wildcard sql/*/*.sql)) >$@.tmp
	mv $@.tmp $@
$(MODULE): $(wildcard src/etl-transform/jq/*.jq) src/etl-transform/jq/jq2c.awk
	@mkdir -p $(@D)
	awk -f src/etl-transform/jq/jq2c.awk src/etl-transform/jq/etl.jq >$@.tmp
	mv $@.tmp $@

include tests/tests.mk

deps:
	@sh tests/support/deps.sh packages.txt

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/man/man7
	install $(PROGS:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/bin
	for s in 1 5 7; do install -m 644 man/*.$$s \
	    $(DESTDIR)$(PREFIX)/share/man/man$$s; done

clean:
	rm -rf bin build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all deps install clean
.DELETE_ON_ERROR:
