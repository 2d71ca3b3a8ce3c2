// Behaviour: an object may show itself
// Spec: docs/scripts.md, console
// Expect: stdout "<mine>\n"
console.log({ [Symbol.for('nodejs.util.inspect.custom')]: () => '<mine>' }['x'] ?? Object.assign({}, { [Symbol.for('nodejs.util.inspect.custom')]: () => '<mine>' }));
