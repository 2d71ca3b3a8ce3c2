// The console as Node.js has it: tables, groups, counts, and inspection of all kinds of values.
//
//   isolane run examples/inspect.js

console.log('three languages:');
console.table([
    { language: 'Lisp', year: 1958, alive: true },
    { language: 'Smalltalk', year: 1972, alive: true },
    { language: 'JavaScript', year: 1995, alive: true },
]);

class Shape {
    #secret = 1;
    sides = 3;
    get name() { return 'triangle'; }
}

console.group('values');
console.log(new Map([['one', 1], [{ key: 'object' }, new Set([1, 2, 3])]]));
console.log([1, , 3], new Shape(), Symbol('s'), 10n ** 20n, new Date(0), /x+/giu);
console.log(new Uint8Array([1, 2, 3]), Promise.resolve('done'), new Error('as a value').message);
console.groupEnd();

const ring = { name: 'ring' };
ring.self = ring;
console.log('%s and %o, %i%%', 'format', ring, 99.9);
console.count('seen');
console.count('seen');
console.assert(1 + 1 === 3, 'arithmetic still works');
