// Behaviour: log writes one line of JSON to stderr, with the fields
// Spec: docs/scripts.md, log
// Covers: log
// Expect: stderr-json {"level":"info","msg":"hello","n":1,"_level":2}
log.info('hello', { n: 1, level: 2 });
