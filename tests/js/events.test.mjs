// Events, AbortSignal, and what the global object hears of uncaught errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runJob } from './shell.mjs';

test('listeners: order, once, capture, removal, handleEvent, passive, signal', () => {
  const { log } = runCases(`const log = [];
    const t = new EventTarget();
    const note = (name) => (e) => log.push(name + ':' + e.eventPhase + ':' + (e.currentTarget === t));
    t.addEventListener('x', note('bubble'));
    t.addEventListener('x', note('capture'), { capture: true });
    t.addEventListener('x', note('once'), { once: true });
    t.addEventListener('x', { handleEvent(e) { log.push('object', this.mark) }, mark: 'm' });
    t.addEventListener('x', (e) => { e.preventDefault(); log.push('passive', e.defaultPrevented) }, { passive: true });
    const off = new AbortController();
    t.addEventListener('x', note('signal'), { signal: off.signal });
    const removed = note('removed');
    t.addEventListener('x', removed); t.removeEventListener('x', removed);
    t.addEventListener('x', removed, true); t.removeEventListener('x', removed); t.removeEventListener('x', removed, { capture: true });
    log.push(t.dispatchEvent(new Event('x', { cancelable: true })));
    off.abort();
    t.dispatchEvent(new Event('x'));
    show('log', log)`);
  assert.deepEqual(log, [
    'capture:2:true', 'bubble:2:true', 'once:2:true', 'object', 'm', 'passive', false, 'signal:2:true', true,
    'capture:2:true', 'bubble:2:true', 'object', 'm', 'passive', false,
  ]);
});

test('events: flags, timeStamp, isTrusted, stopping, redispatch, subclasses', () => {
  const r = runCases(`const t = new EventTarget(); let seen = 0;
    t.addEventListener('x', (e) => { seen++; e.stopImmediatePropagation() });
    t.addEventListener('x', () => { seen += 10 });
    const e = new Event('x', { bubbles: true, composed: 1 });
    t.dispatchEvent(e); t.dispatchEvent(e);
    show('seen', seen);
    show('flags', [e.type, e.bubbles, e.cancelable, e.composed, e.isTrusted, e.eventPhase, e.target === t, e.currentTarget,
      e.timeStamp >= 0, Event.AT_TARGET, e.BUBBLING_PHASE, Object.keys(e).join(), String(e)]);
    let again; t.addEventListener('y', (e) => { try { t.dispatchEvent(e) } catch (error) { again = error.name } });
    t.dispatchEvent(new Event('y'));
    show('again', again);
    show('illegal', [() => Event('x'), () => new Event(), () => new Event('x', 5), () => AbortSignal(), () => new AbortSignal(),
      () => EventTarget.prototype.addEventListener.call({}, 'x', () => {}), () => t.addEventListener('x', 5),
      () => new PromiseRejectionEvent('x'), () => AbortSignal.timeout(-1), () => AbortSignal.any([1]),
      ].map((f) => { try { return f() } catch (e) { return e.name } }).join());
    const error = new ErrorEvent('error', { message: 'm', filename: 'f', lineno: 3.7, colno: -1, error: 9 });
    show('error', [error.message, error.filename, error.lineno, error.colno, error.error, error instanceof Event]);
    const message = new MessageEvent('message', { data: { a: 1 }, origin: 'o\\ud800' });
    show('message', [message.data, message.origin.charCodeAt(1), message.ports, Object.isFrozen(message.ports), message.source]);
    show('custom', new CustomEvent('c', { detail: [1] }).detail);
    class Mine extends EventTarget {} ; const m = new Mine(); let mine = 0;
    m.addEventListener('z', function () { mine = this === m }); m.dispatchEvent(new Event('z'));
    show('mine', mine)`);
  assert.equal(r.seen, 2);
  assert.deepEqual(r.flags, ['x', true, false, true, false, 0, true, null, true, 2, 3, 'isTrusted', '[object Event]']);
  assert.equal(r.again, 'InvalidStateError');
  assert.equal(r.illegal, Array(10).fill('TypeError').join());
  assert.deepEqual(r.error, ['m', 'f', 3, 4294967295, 9, true]);
  assert.deepEqual(r.message, [{ a: 1 }, 0xfffd, [], true, null]);
  assert.deepEqual([r.custom, r.mine], [[1], true]);
});

test('AbortSignal: reasons, timeout, any through dependents', () => {
  const r = runCases(`const c = new AbortController(), log = [];
    c.signal.onabort = (e) => log.push(e.isTrusted, e.type);
    const any = AbortSignal.any([AbortSignal.any([c.signal]), new AbortController().signal]);
    any.addEventListener('abort', () => log.push('any', any.reason === c.signal.reason));
    any.throwIfAborted();
    c.abort(); c.abort('again');
    show('log', log);
    show('reason', [c.signal.reason.name, c.signal.reason instanceof DOMException, c.signal.aborted]);
    show('given', [AbortSignal.abort(5).reason, AbortSignal.any([AbortSignal.abort(6)]).reason, AbortSignal.any([]).aborted]);
    let thrown; try { AbortSignal.abort(7).throwIfAborted() } catch (e) { thrown = e } show('thrown', thrown);
    const t = AbortSignal.timeout(1);
    await new Promise((r) => { t.onabort = r });
    show('timeout', t.reason.name)`);
  assert.deepEqual(r.log, [true, 'abort', 'any', true]);
  assert.deepEqual(r.reason, ['AbortError', true, true]);
  assert.deepEqual(r.given, [5, 6, false]);
  assert.deepEqual([r.thrown, r.timeout], [7, 'TimeoutError']);
});

test('a job that is settled does not wait for AbortSignal.timeout, but for its own timers', () => {
  const begun = Date.now();
  const result = runJob(`AbortSignal.timeout(600000); setTimeout(() => console.log('own'), 5); export default 1`);
  assert.deepEqual([result.end, result.value, result.stdout], ['ok', 1, 'own\n']);
  assert.ok(Date.now() - begun < 300000);
});

test('listeners for error keep a job alive: timers, microtasks, listeners, reportError, its own top level', () => {
  const result = runJob(`const seen = [];
    addEventListener('error', (e) => { seen.push(e.error + ' ' + e.lineno); e.preventDefault() });
    setTimeout(() => { throw new Error('timer') }, 1);
    queueMicrotask(() => { throw new Error('microtask') });
    const t = new EventTarget(); t.addEventListener('x', () => { throw new Error('listener') }); t.dispatchEvent(new Event('x'));
    reportError(new Error('reported'));
    setTimeout(() => console.log(seen.join()), 3);
    throw new Error('top');`);
  assert.deepEqual([result.end, result.value], ['ok', undefined]);
  assert.equal(result.stdout, 'Error: listener 5,Error: reported 6,Error: microtask 4,Error: top 8,Error: timer 3\n');
});

test('onerror gets five arguments, and true keeps the job alive', () => {
  const result = runJob(`onerror = (...all) => { console.log(all.map(String).join('|')); return true };
    setTimeout(() => { throw new RangeError('x') });`, '--name', 'five.mjs');
  assert.deepEqual([result.end, result.stdout], ['ok', 'Uncaught RangeError: x|five.mjs|2|30|RangeError: x\n']);
});

test('rejections: told, prevented, and told again when a handler comes', () => {
  const result = runJob(`onunhandledrejection = (e) => { console.log('un', e.reason, e.promise === p); e.preventDefault() };
    onrejectionhandled = (e) => console.log('handled', e.reason);
    const p = Promise.reject(1);
    setTimeout(() => p.catch(() => console.log('caught')), 2);`);
  assert.deepEqual([result.end, result.stdout], ['ok', 'un 1 true\nhandled 1\ncaught\n'.replace('handled 1\ncaught', 'caught\nhandled 1')]);
});

for (const [what, source, expected] of [
  ['a listener that prevents nothing', `addEventListener('error', () => console.log('told'));\nsetTimeout(() => { throw new Error('e') })`, ['Error', 'e', 2, 'told\n']],
  ['no listener', `reportError(new TypeError('r')); addEventListener('message', () => {})`, ['TypeError', 'r', 1, '']],
  ['a rejection nobody prevents', `addEventListener('unhandledrejection', () => console.log('told'));\nPromise.reject(new Error('p'))`, ['Error', 'p', 2, 'told\n']],
  ['a listener that throws itself', `addEventListener('error', () => { throw new Error('second') });\nsetTimeout(() => { throw new Error('first') })`, ['Error', 'second', 1, '']],
  ['a value that never comes', `addEventListener('error', (e) => e.preventDefault());\nexport default async () => { throw new Error('value') }`, ['Error', 'value', 2, '']],
]) {
  test(`the job ends threw: ${what}`, () => {
    const { end, name, message, line, stdout } = runJob(source);
    assert.equal(end, 'threw');
    assert.deepEqual([name, message, line, stdout], expected);
  });
}

test('a script that has replaced what it can reach does not change events', () => {
  const result = runJob(`
    Map.prototype.get = Map.prototype.set = Set.prototype.forEach = Array.prototype.push = () => { throw 'reached' };
    Array.prototype[Symbol.iterator] = () => { throw 'reached' };
    Object.defineProperty(Object.prototype, 'capture', { get() { return false } });
    const t = new EventTarget(); let n = 0;
    const c = new AbortController(), any = { [Symbol.iterator]: function* () { yield c.signal } };
    AbortSignal.any(any).addEventListener('abort', () => n++);
    t.addEventListener('x', () => n++); t.dispatchEvent(new Event('x')); c.abort();
    export default n`);
  assert.deepEqual([result.end, result.value], ['ok', 2], JSON.stringify(result));
});
