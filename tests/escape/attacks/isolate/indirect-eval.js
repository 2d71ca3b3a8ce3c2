// layer: isolate
// attack: eval, directly, indirectly, through Reflect and through a bound copy
// success: the text runs
// control: node
const ways = [() => eval('1'), () => (0, eval)('1'), () => Reflect.apply(eval, null, ['1']), () => eval.bind(null)('1')];
const ran = ways.filter((way) => { try { return way() === 1; } catch { return false; } });
export default ran.length ? escaped(`${ran.length} ways`) : held('none runs');
