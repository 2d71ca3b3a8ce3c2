// Behaviour: console.log knows %s %d %i %f %j %o %%
// Spec: Console Standard, formatter
// Covers: console
// Expect: stdout "s 4.2 4 4.2 {\"a\":1} % rest\n"
console.log('%s %d %i %f %j %%', 's', 4.2, 4.9, '4.2', { a: 1 }, 'rest');
