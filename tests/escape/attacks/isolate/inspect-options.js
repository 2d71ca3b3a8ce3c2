// layer: isolate
// attack: takes the options and the inspect function that a custom hook of console is given, climbs their constructors and changes them for the next call
// success: text is compiled through them, or a change lasts
// control: none: needs a built-in that fails
const found = [];
const hook = Symbol.for('nodejs.util.inspect.custom');
console.log({ [hook](depth, options, inspect) {
    for (const x of [options, inspect, options?.stylize].filter(Boolean)) try { x.constructor.constructor('return 1')(); found.push('compiled'); } catch { /* refused */ }
    if (options) { options.depth = 0; options.seen = { push() { found.push('seen'); } }; }
    if (inspect) inspect.custom = 1;
    return '';
} });
let deep;
console.log({ [hook](depth, options) { deep = options?.depth; return ''; } });
if (deep === 0) found.push('a change of options lasts');
export default found.length ? escaped(found) : held('options are copies');
