// layer: isolate
// attack: Error.prepareStackTrace looks at the frames of built-ins that call the script back
// success: a frame of a built-in, or a function or receiver of one
// reference: vm2 CVE-2023-29017
// control: node
const seen = [];
Error.prepareStackTrace = (_, sites) => {
    for (const s of sites) seen.push([s.getFileName(), typeof s.getFunction(), typeof s.getThis()]);
    return '';
};
const look = () => void new Error().stack;
console.log({ [Symbol.for('nodejs.util.inspect.custom')]: look });
[3, 1, 2].sort(look);
structuredClone({ get a() { look(); return 1; } });
setTimeout(look, 0);
await new Promise((r) => setTimeout(r, 5));
const ours = seen.filter(([file, fn, self]) => /isolane|node:/.test(file ?? '') || fn !== 'undefined' || self !== 'undefined');
export default ours.length ? escaped(JSON.stringify(ours[0])) : held(`${seen.length} frames, all of the script`);
