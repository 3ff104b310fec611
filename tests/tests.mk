# Tests: prove(1) runs every tests/*/*.t from the top folder.
# Unit tests tests/unit/NAME.c (cmocka) are built to $(B)/tests/unit/NAME;
# tests/unit/unit.t runs them all.
SUPPORT = $(B)/tests/mock-api $(B)/tests/reap $(B)/tests/rollback.so \
    $(B)/tests/fake_addresses.so $(B)/tests/no_jq.so $(B)/tests/hostile_worker.so \
    $(B)/tests/cutter
UNIT = $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*.c))
# Four times as many tests as processors: most tests wait for a server or a clock.
PROVE = env --default-signal prove -j$(shell expr 4 '*' $$(nproc)) --timer
# The longest first, so that none of them is left over at the end: cppcheck and
# clang-tidy over the code (tools), the kills at system calls (sweep_*) and at random
# moments, the faults of calls and of memory (io, memory), records of many
# megabytes (large), and filters that run into their time limit (process).
LONGEST = tests/lint/tools.t tests/fault/memory.t tests/fault/random_kills.t \
    tests/fault/sweep_pg.t tests/fault/sweep_sqlite.t tests/fault/sweep_wal.t \
    tests/etl-load/large.t tests/etl-dlq/large.t tests/fault/io.t \
    tests/fault/sweep_server.t tests/fault/signals.t tests/unit/unit.t \
    tests/etl-transform/process.t
TESTS = $(LONGEST) $(filter-out $(LONGEST),$(sort $(wildcard tests/*/*.t)))
SERVER = sh tests/support/with-pg.sh $(B)/postgresql.log

$(B)/tests/mock-api: $(call objects,tests/support) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lmicrohttpd -lz -lmd
# Goes before a program by LD_PRELOAD: never with sanitizers of its own.
$(B)/tests/shim.so: $(wildcard tests/fault/shim*.c) tests/fault/shim.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) -O2 -g -fPIC -shared -o $@ $(filter %.c,$^)
$(B)/tests/measure: $(B)/tests/bench/measure.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
$(B)/tests/cutter: $(B)/tests/fault/cutter.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
$(B)/tests/rollback.so $(B)/tests/fake_addresses.so $(B)/tests/no_jq.so $(B)/tests/hostile_worker.so: $(B)/tests/%.so: tests/fault/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) -O2 -fPIC -shared -o $@ $<
$(B)/tests/reap: $(B)/tests/fault/reap.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
# A test of a part that is one program's own names that part here.
$(B)/tests/unit/extract_value: $(B)/src/etl-extract/cursor/cursor_value.o
$(B)/tests/unit/extract_link.o: CPPFLAGS += -Isrc/etl-extract
$(B)/tests/unit/extract_link: $(B)/src/etl-extract/http/answer.o
$(B)/tests/unit/extract_seen: $(B)/src/etl-extract/page/seen.o
$(B)/tests/unit/extract_address: $(B)/src/etl-extract/http/private_address.o
$(B)/tests/unit/load_ways: $(B)/src/etl-load/pg/pg_way.o
# This test counts the work of the code under test (see there how).
COUNTED = $(patsubst %.c,$(B)/counted/%.o,lib/json/member_index.c \
    lib/json/name.c lib/json/number.c \
    src/etl-transform/jq/jvalue.c src/etl-transform/number/numbers.c)
$(B)/tests/unit/transform_numbers.o: CPPFLAGS += -Isrc/etl-transform
$(B)/tests/unit/transform_numbers: $(COUNTED)
$(B)/tests/unit/transform_numbers: UNIT_LIBS = -Wl,--wrap=memcmp -ljq -lm
$(B)/tests/unit/transform_pool.o: CPPFLAGS += -Isrc/etl-transform
$(B)/tests/unit/transform_pool: $(call objects,src/etl-transform/pool) \
    $(B)/src/etl-transform/engine/outcome.o
$(B)/tests/unit/transform_pool: UNIT_LIBS = -lseccomp
$(B)/tests/unit/transform_late.o: CPPFLAGS += -Isrc/etl-transform
$(B)/tests/unit/transform_late: $(filter-out %/main.o,\
    $(call objects,src/etl-transform))
$(B)/tests/unit/transform_late: UNIT_LIBS = -ljq -lseccomp -lm
$(COUNTED): $(B)/counted/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Isrc/etl-transform $(WARN) $(CFLAGS) -fno-builtin \
	    -fsanitize-coverage=trace-pc -MMD -MP -c -o $@ $<
$(UNIT): %: %.o $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -lcmocka \
	    $(DB_LIBS) -lmd $(UNIT_LIBS)

# As many jobs as there are processors, unless the user said how many; what
# fails is shown, what is done is not.
MAKE_ALL = echo building && $(MAKE) -s $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

build-tests: all $(SUPPORT) $(UNIT) $(B)/tests/shim.so

check: deps
	@$(MAKE_ALL) build-tests
	@ETL_BIN=$(BIN) ETL_BUILD=$(B) LINT_NODES=8000 LINT_SHARE=8 \
	    $(SERVER) $(PROVE) $(TESTS)
lint: deps
	@$(MAKE_ALL) build-tests
	@ETL_BIN=$(BIN) ETL_BUILD=$(B) $(SERVER) $(PROVE) tests/lint/*.t
demo:
	@sh tests/support/deps.sh packages.txt demo
	@$(MAKE_ALL) all $(B)/tests/mock-api
	@ETL_BIN=$(BIN) ETL_BUILD=$(B) sh tests/support/demo.sh
bench: deps
	@$(MAKE_ALL) build-tests $(B)/tests/measure
	@ETL_BIN=$(BIN) ETL_BUILD=$(B) FSYNC=on $(SERVER) sh tests/bench/run.sh
torture: deps
	@$(MAKE_ALL) build-tests
	@ETL_BIN=$(BIN) ETL_BUILD=$(B) $(SERVER) \
	    sh tests/fault/torture.sh $(B)/torture
	@ETL_BIN=$(BIN) ETL_BUILD=$(B) $(SERVER) sh tests/fault/torture-calls.sh
	@ETL_BIN=$(BIN) ETL_BUILD=$(B) CASES=3000 SEED=$$(date +%s) \
	    sh tests/etl-record/attack.t
fuzz: deps
	@sh tests/fuzz/run.sh

# For scripts: what the programs are, how a file is compiled.
programs:
	@echo $(PROGS)
flags:
	$(info $(CPPFLAGS) $(PQ_CPPFLAGS) $(WARN))@:

.PHONY: programs flags build-tests check lint demo bench torture fuzz
