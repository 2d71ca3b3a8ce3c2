/* The processes with the real engine in them: what only V8 can bring to light (system calls it
 * makes, how it dies, what it costs to fork). Skipped where build/engine has not been built: make
 * engine. */
#include "tests/unit/host_cells.h"
#include "tests/unit/lacking.h"

/* ISOLANE_ENGINE_DIR, or the engine folder beside the build this test belongs to. False: none. */
static bool choose_engine(void)
{
    char exe[PATH_MAX];
    struct err e = {0};
    static const char *const places[] = {"/../engine", "/../../engine"};
    if (getenv("ISOLANE_ENGINE_DIR"))
        return true;
    if (fs_exe_dir(exe, sizeof exe, &e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        char file[PATH_MAX + 32];
        snprintf(file, sizeof file, "%s%s/snapshot.bin", exe, places[i]);
        if (access(file, R_OK) == 0) {
            *strrchr(file, '/') = '\0';
            setenv("ISOLANE_ENGINE_DIR", file, 1);
            return true;
        }
    }
    return false;
}

static int set_up_or_skip(void **state)
{
    return choose_engine() ? set_up(state) : 0;
}

static int tear_down_if_up(void **state)
{
    return *state ? tear_down(state) : 0;
}

#define NEED_ENGINE()                                                                              \
    do {                                                                                           \
        if (!*state)                                                                               \
            SKIP_FOR("no engine folder (make engine)");                                            \
    } while (0)

static void the_zygote_is_lean(void **state)
{
    NEED_ENGINE();
    const struct zygote_info *i = zygote_info(((struct world *)*state)->z);
    print_message("# %s: %u mappings, %llu kB private dirty, %llu kB in huge pages\n", i->engine,
                  i->mappings, (unsigned long long)i->private_dirty_bytes / 1024,
                  (unsigned long long)i->huge_bytes / 1024);
    assert_int_equal(i->threads, 1);
    assert_true(i->private_dirty_bytes < 4u << 20);
    assert_true(i->mappings <= 112);
    assert_int_equal(i->layers | JAIL_OPTIONAL, (1u << LAYERS) - 1);
    assert_int_equal(strncmp(i->engine, "v8 ", 3), 0);
}

static void a_module_runs_to_its_end(void **state)
{
    NEED_ENGINE();
    struct seen s;
    run_script(*state, &s,
               "console.log('hello', 1 + 1); console.error('oops');\n"
               "await new Promise((r) => setTimeout(r, 5));\n"
               "console.log('bye'); export default async (input) => ({ n: input.n + 1 });");
    assert_null(s.g.breach);
    assert_int_equal(s.d.end, FRAME_END_OK);
    assert_string_equal(text_of(&s.out), "hello 2\nbye\n");
    assert_string_equal(text_of(&s.err), "oops\n");
    assert_string_equal(text_of(&s.value), "{\"n\":2}");
    assert_true(s.d.cpu_us > 0 && s.d.heap_peak > 0);
    assert_true(s.g.reaped && s.g.status == 0);
    forget(&s);
}

/* A cell whose job has every permission. */
static void run_permitted(struct world *w, struct seen *s, const char *script)
{
    struct cell_invocation inv = invocation(script);
    struct err e = {0};
    inv.permissions = FRAME_ALLOW_EVAL | FRAME_ALLOW_WASM | FRAME_ALLOW_SAB;
    fork_ready(w, s);
    if (cell_invoke(s->c, &inv, &e))
        fail_msg("cell_invoke: %s", e.msg);
    run_until(w, &s->gone, 1, "the cell's end");
}

/* f0(n): n rounds of a loop (tests/js/wasm.mjs makes such modules); exports its memory. */
#define WASM_LOOP                                                                                  \
    "const { f0, memory } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(["      \
    "0,97,115,109,1,0,0,0,1,6,1,96,1,127,1,127,3,2,1,0,5,4,1,1,1,9,7,15,2,2,102,48,"               \
    "0,0,6,109,101,109,111,114,121,2,0,10,33,1,31,1,2,127,3,64,32,2,65,31,108,32,1,"               \
    "106,33,2,32,1,65,1,106,34,1,32,0,73,13,0,11,32,2,11"                                          \
    "]))).exports; "

/* What V8, ICU and libsodium do inside must be on the list of allowed system calls. */
static void nothing_that_scripts_do_is_denied(void **state)
{
    static const char *const scripts[] = {
        "export default [new Date().getFullYear() > 2000, new Date(0).toString(), Date()].length",
        "export default new Intl.DateTimeFormat('de', { timeZone: 'Asia/Tokyo', dateStyle: 'full' "
        "})"
        ".format(0)",
        "export default new Intl.NumberFormat('fr', { style: 'currency', currency: 'EUR' "
        "}).format(1)",
        "export default 'straße'.localeCompare('strasse', 'de') + 'I'.toLocaleLowerCase('tr')",
        "export default [...new Intl.Segmenter('ja', { granularity: 'word' "
        "}).segment('今日は')].length",
        "const a = []; for (let i = 0; i < 2e5; i++) a.push({ i }); export default a.length",
        "let f = (n) => n < 2 ? n : f(n - 1) + f(n - 2); export default f(27)",
        "export default /(?<y>\\d{4})/v.exec('in 1999').groups.y + 'x'.repeat(1e6).replace(/x/g, "
        "'y').length",
        "const w = new WeakRef({}); export default JSON.stringify(structuredClone({ a: new "
        "Map([[1, 2]]) }))",
        "export default crypto.randomUUID().length + crypto.getRandomValues(new "
        "Uint8Array(9)).length",
        "export default Atomics.load(new Int32Array(new SharedArrayBuffer(8)), 0)",
        "let n = 0; try { (function f() { n++; f() })() } catch (e) { n = e.name } export default "
        "n",
        "export default await new Promise((r) => { let i = 0; const t = setInterval(() => {"
        " if (++i > 3) { clearInterval(t); r(i) } }, 2) })",
        "try { await import('fs') } catch (e) { console.log(e.message) } export default 1",
        "try { 'x'.repeat(2 ** 30) } catch (e) { console.log(e.name) } export default 1",
        "export default Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0, 3)",
        "export default eval('1') + new Function('return 2')()",
        "export default new WebAssembly.Memory({ initial: 1 }).grow(3)",
        WASM_LOOP "f0(3e7); memory.grow(5); export default f0(1e6)", /* both compilers */
        WASM_LOOP
        "export default WebAssembly.validate(new Uint8Array(8)) + memory.buffer.byteLength",
        "export default performance.now() >= 0 && new Error('x').stack.length > 0",
        "export default [3, 1, 2].toSorted().join() + Object.groupBy([1, 2], (x) => x % 2)[1]",
    };
    NEED_ENGINE();
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct seen s;
        run_permitted(*state, &s, scripts[i]);
        if (s.g.denied_syscall >= 0)
            fail_msg("%s is denied: %s", jail_syscall_name((uint32_t)s.g.denied_syscall),
                     scripts[i]);
        if (s.d.end != FRAME_END_OK)
            fail_msg("end %d (%s, wait status 0x%x): %s", s.d.end, text_of(&s.message), s.g.status,
                     scripts[i]);
        forget(&s);
    }
}

static void a_hundred_cells_draw_different_numbers(void **state)
{
    enum { CELLS = 100, LEN = 120 };
    static char drawn[CELLS][LEN];
    NEED_ENGINE();
    for (int i = 0; i < CELLS; i++) {
        struct seen s;
        run_script(*state, &s, "export default [Math.random(), Math.random()]");
        assert_int_equal(s.d.end, FRAME_END_OK);
        snprintf(drawn[i], LEN, "%s", text_of(&s.value));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(drawn[i], drawn[j]);
        forget(&s);
    }
}

/* Terminates again and again, as the executor does, until the cell has gone. */
static void stop_in_time(struct world *w, struct seen *s, int after_ms)
{
    run_for_ms(w, after_ms);
    int64_t t0 = clock_mono_us();
    while (!s->gone && clock_mono_us() - t0 < WAIT_US) {
        if (s->c)
            cell_terminate(s->c);
        run_for(w, &s->gone, 1, 5000);
    }
    assert_int_equal(s->gone, 1);
}

static void whatever_computes_is_stopped(void **state)
{
    static const char *const scripts[] = {
        "console.log('early'); for (;;);",
        "console.log('early'); /(a+)+$/.test('a'.repeat(40) + 'b');",
        "console.log('early'); const a = []; for (;;) a.length = 0, a.push('x'.repeat(100));",
        "console.log('early'); for (;;) { try { for (;;); } catch {} finally { for (;;); } }",
        "console.log('early'); const f = () => Promise.resolve().then(f); await f();",
        "console.log('early'); await new Promise((r) => setTimeout(r, 1e9));",
        "console.log('early'); setInterval(() => { for (;;); }, 1);",
        "console.log('early'); JSON.stringify({ toJSON() { for (;;); } });",
        "console.log('early'); for (;;) console.error('x'.repeat(0));",
    };
    NEED_ENGINE();
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct seen s;
        for (int after_ms = 40;; after_ms *= 10) { /* longer where it had not even begun */
            fork_ready(*state, &s);
            invoke(&s, scripts[i]);
            stop_in_time(*state, &s, after_ms);
            if (s.out.len > 0 || after_ms >= 4000)
                break;
            forget(&s);
        }
        if (strcmp(text_of(&s.out), "early\n") != 0)
            fail_msg("printed '%s': %s", text_of(&s.out), scripts[i]);
        if (s.done && s.d.end != FRAME_END_TERMINATED && s.d.end != FRAME_END_OUTPUT)
            fail_msg("end %d: %s", s.d.end, scripts[i]);
        assert_null(s.g.breach);
        forget(&s);
    }
}

static void memory_has_an_end(void **state)
{
    static const struct {
        const char *script;
        int end, or_end;
    } hogs[] = {
        {"console.log('early'); const a = []; for (;;) a.push(new Array(1000).fill(1.5))",
         FRAME_END_HEAP, FRAME_END_MEMORY},
        {"console.log('early'); let s = 'x'; for (;;) s += s + Math.random()", FRAME_END_THREW,
         FRAME_END_HEAP},
        {"console.log('early'); const a = []; for (;;) a.push(new Uint8Array(1 << 20))",
         FRAME_END_MEMORY, FRAME_END_HEAP},
        {"console.log('early'); new Array(1e8).fill(0).map(() => ({}))", FRAME_END_HEAP,
         FRAME_END_MEMORY},
        {"console.log('early'); 'x'.repeat(1 << 28).split('')", FRAME_END_HEAP, FRAME_END_MEMORY},
    };
    NEED_ENGINE();
    for (size_t i = 0; i < ARRAY_LEN(hogs); i++) {
        struct seen s;
        run_script(*state, &s, hogs[i].script);
        assert_string_equal(text_of(&s.out), "early\n");
        if (!s.done || (s.d.end != hogs[i].end && s.d.end != hogs[i].or_end))
            fail_msg("done %d, end %d, wait status 0x%x: %s", s.done, s.d.end, s.g.status,
                     hogs[i].script);
        forget(&s);
    }
}

static void a_flood_of_output_is_cut(void **state)
{
    NEED_ENGINE();
    struct seen s;
    run_script(*state, &s, "for (;;) console.log('0123456789'.repeat(20))");
    assert_int_equal(s.d.end, FRAME_END_OUTPUT);
    assert_int_equal(s.out.len, 1u << 20);
    forget(&s);
}

static void cells_are_strangers_to_each_other(void **state)
{
    NEED_ENGINE();
    struct seen s;
    run_script(*state, &s, "globalThis.mark = 1; Array.prototype.map = null; export default 1");
    assert_int_equal(s.d.end, FRAME_END_OK);
    forget(&s);
    run_script(*state, &s, "export default [typeof mark, [1].map((x) => x + 1)[0]]");
    assert_string_equal(text_of(&s.value), "[\"undefined\",2]");
    forget(&s);
}

static void two_hundred_cells_leave_nothing(void **state)
{
    NEED_ENGINE();
    int before = open_fds();
    for (int i = 0; i < 200; i++) {
        struct seen s;
        run_script(*state, &s, "export default 1");
        assert_int_equal(s.d.end, FRAME_END_OK);
        forget(&s);
    }
    assert_int_equal(open_fds(), before);
    assert_int_equal(zygote_live_cells(((struct world *)*state)->z), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    static struct CMUnitTest tests[] = {
        T(the_zygote_is_lean),
        T(a_module_runs_to_its_end),
        T(nothing_that_scripts_do_is_denied),
        T(a_hundred_cells_draw_different_numbers),
        T(whatever_computes_is_stopped),
        T(memory_has_an_end),
        T(a_flood_of_output_is_cut),
        T(cells_are_strangers_to_each_other),
        T(two_hundred_cells_leave_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return RUN_OR_SKIP(tests, set_up_or_skip, tear_down_if_up);
}
