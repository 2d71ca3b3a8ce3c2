// layer: isolate
// attack: clones and transfers objects of the built-ins, functions and forged kinds of them
// success: the copy holds a function, or an object that another did not make
// control: none: needs a serializer that fails
const hostile = [console, sodium, job, performance, crypto, () => 1, new TextDecoder(), Symbol('s'), new Proxy({}, {}), new WeakMap(), { [Symbol.toStringTag]: 'DOMException' }, Object.create(DOMException.prototype)];
const bad = [];
for (const x of hostile) {
    let copy;
    try { copy = structuredClone(x); } catch { continue; }
    if (typeof copy === 'function' || copy === x || Object.values(copy ?? {}).some((v) => typeof v === 'function')) bad.push(Object.prototype.toString.call(x));
}
export default bad.length ? escaped(bad) : held('none comes through');
