// layer: isolate
// attack: reads the stacks of errors thrown inside built-ins, with all frames wanted
// success: a stack names the built-ins' own text
// control: node
Error.stackTraceLimit = 1000;
const stacks = [];
for (const f of [() => structuredClone(() => {}), () => new TextDecoder('no such'), () => atob('%'), () => job.progress(7), () => queueMicrotask(1), () => performance.mark(Symbol()), () => setTimeout()])
    try { f(); } catch (e) { stacks.push(String(e.stack)); }
console.log({ [Symbol.for('nodejs.util.inspect.custom')]() { stacks.push(new Error('here').stack); return ''; } });
const telling = stacks.find((s) => /isolane:|node:internal/.test(s));
export default telling ? escaped(telling) : held(`${stacks.length} stacks`);
