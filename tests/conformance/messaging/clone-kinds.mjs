// Behaviour: structuredClone keeps kinds, cycles and errors
// Spec: HTML, structured clone
// Covers: structuredClone
// Expect: value [true,true,"b","RangeError",2]
const a = { d: new Date(5), m: new Map([['a', 'b']]), e: new RangeError('x'), b: 2n }; a.self = a;
const c = structuredClone(a);
export default [c.self === c, c.d.getTime() === 5, c.m.get('a'), c.e.name, Number(c.b)];
