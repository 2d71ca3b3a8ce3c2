// layer: isolate
// attack: uses the stack up inside each built-in, then uses the built-in again
// success: it is left broken, hands out an inner error, or the cell dies
// reference: vm2 CVE-2023-32314 (errors of the host's realm)
// control: none: needs a built-in that is left broken
const bad = [];
const uses = { log: () => console.log({ a: { b: [1] } }), clone: () => structuredClone({ a: [1, { b: 2 }] }).a.length, text: () => new TextEncoder().encode('abc').length, uuid: () => crypto.randomUUID().length, timer: () => clearTimeout(setTimeout(() => {}, 0)), atob: () => atob('YQ=='), sodium: () => sodium.randombytesBuf?.(4).length ?? 4, error: () => new DOMException('a', 'b').name };
for (const [name, use] of Object.entries(uses)) {
    const usual = use();
    let error;
    (function down() { try { use(); down(); } catch (e) { error ??= e; } })();
    if (error && !(error instanceof RangeError) && Object.getPrototypeOf(Object.getPrototypeOf(error) ?? {}) !== Error.prototype) bad.push(`${name}: an error of another realm`);
    if (use() !== usual && name !== 'uuid') bad.push(`${name} is broken`);
}
export default bad.length ? escaped(bad) : held('all work as before');
