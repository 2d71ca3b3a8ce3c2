// layer: isolate
// attack: makes a realm of its own, in which nothing of ours was switched off
// success: a realm evaluates text
// control: node --harmony-shadow-realm
let got;
try { got = new ShadowRealm().evaluate('1 + 1'); } catch (e) { got = e; }
export default got === 2 ? escaped('it evaluates') : held(got.message);
