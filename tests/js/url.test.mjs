// URL, URLSearchParams and URLPattern beside Node's own, and what the web platform tests do not look at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runJob, runNode } from './shell.mjs';

const beside = (name, source) =>
  test(name, () => {
    const print = `const show = (...all) => console.log(JSON.stringify(all));\n${source}`;
    const mine = runJob(print);
    assert.equal(mine.end, 'ok', mine.message);
    assert.deepEqual(mine.stdout.trim().split('\n'), runNode(print).stdout.trim().split('\n'));
  });

beside('members of many URLs, and after each setter', `
  const members = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];
  const inputs = ['http://u:p@ex.org:81/a/../b?q#h', 'file:///C:/x', 'data:text/plain,x?y#z', 'web+x:/.//p', 'http://[::1]:80/', 'blob:https://a.b/c',
    'https://faß.de/ä?ü#ö', 'http://1.2.3', 'ws://x', 'about:blank', 'http://a?', 'http://a#', 'http://@h', 'http://u@h', 'http://:p@h', 'non:a b#c d'];
  for (const input of inputs) {
    const url = new URL(input);
    show(members.map((m) => url[m]));
    for (const m of members.filter((m) => m !== 'origin'))
      for (const value of ['', 'x', 'y:8080', '?a=b', '#f', 'https:', '//z', '99999', '\\ud800', '%zz', 'http://new/']) {
        const changed = new URL(input);
        let name = '';
        try { changed[m] = value } catch (e) { name = e.name }
        show(input, m, value, name, members.map((m) => changed[m]));
      }
  }`);

test('origin: of a URL alone, whatever a script made of the other getters', () => {
  const { before, after, others } = runCases(`const { get } = Object.getOwnPropertyDescriptor(URL.prototype, 'origin');
    const urls = ['http://a:81/x', 'blob:https://b/c', 'blob:ftp://b/c', 'blob:x', 'file:///x', 'wss://c:443/'].map((u) => new URL(u));
    show('before', urls.map((u) => u.origin));
    for (const m of ['protocol', 'host', 'pathname']) Object.defineProperty(URL.prototype, m, { get: () => 'data:' });
    show('after', urls.map((u) => u.origin));
    show('others', [{}, { protocol: 'data:' }, null, URL.prototype].map((other) => { try { return get.call(other) } catch (e) { return e.name } }))`);
  assert.deepEqual(before, ['http://a:81', 'https://b', 'null', 'null', 'null', 'wss://c']);
  assert.deepEqual(after, before);
  assert.deepEqual(others, Array(4).fill('TypeError'));
});

beside('search parameters: from all kinds, changed, sorted, written into their URL', `
  const url = new URL('http://a/?b=1&a=2&b=3');
  const p = url.searchParams;
  p.append('ü', '&='); p.set('b', '9'); p.delete('a', 'no'); show(url.href, [...p]);
  p.sort(); show(url.search, p.get('x'), p.getAll('b'), p.has('b', '9'), p.has('b', '1'), p.size);
  url.search = '?n=1'; show([...p.entries()], [...p.keys()], [...p.values()]);
  url.href = 'http://c/?m'; show(String(p));
  for (const init of ['?a=1&&b', { x: 1, y: undefined }, [['k', 'v'], new Set(['s', 't'])], new URLSearchParams('q=%41+%'), null, 5])
    show(new URLSearchParams(init).toString());
  for (const bad of [[['one']], [5], [['a', 'b', 'c']], { [Symbol.iterator]: 5 }])
    try { new URLSearchParams(bad); show('no error') } catch (e) { show(e.name) }
  const names = []; new URLSearchParams('a=1&b=2').forEach(function (v, k, all) { names.push(v, k, all instanceof URLSearchParams, this.t) }, { t: 1 }); show(names);
  const i = new URLSearchParams('a=1')[Symbol.iterator](); show(Object.prototype.toString.call(i), i.next().value, i.next().done);`);

beside('statics, JSON, errors', `
  show(URL.canParse('x', 'http://a'), URL.canParse('x'), URL.parse('x'), URL.parse('/y', 'http://a').href, JSON.stringify({ u: new URL('http://a') }));
  try { new URL('/x', 'y') } catch (e) { show(e.name, e.code, e.input, e.base) }
  for (const f of [() => URL('http://a'), () => new URL(), () => Object.getOwnPropertyDescriptor(URL.prototype, 'href').get.call({}), () => URLSearchParams.prototype.get.call({}, 'a')])
    try { f(); show('no error') } catch (e) { show(e.name) }
  class Mine extends URL { get twice() { return this.href + this.href } }
  show(new Mine('http://a').twice, Object.keys(URL.prototype).sort(), Object.prototype.toString.call(new URL('a:')));`);

test('shown as Node shows them', () => {
  const source = `console.log(new URL('http://u:p@a:1/b?c=d#e'), new URLSearchParams('a=1&b=2'), new URLSearchParams(), [new URLSearchParams('x=y')])`;
  assert.equal(runJob(source).stdout, runNode(source).stdout);
});

test('URLPattern: groups of a pathname, a base, a component that does not match', () => {
  const { groups, based, no, props } = runCases(`
    show('groups', new URLPattern({ pathname: '/books/:id(\\\\d+)/*' }).exec('https://a.b/books/12/x/y').pathname.groups);
    show('based', new URLPattern('/x/:y?', 'https://h').test('https://h/x'));
    show('no', new URLPattern({ hostname: '*.a' }).test('https://b.c'));
    show('props', [new URLPattern({ protocol: 'http{s}?' }).protocol, Object.prototype.toString.call(new URLPattern({}))]);`);
  assert.deepEqual([groups, based, no, props], [{ 0: 'x/y', id: '12' }, true, false, ['http{s}?', '[object URLPattern]']]);
});

test('a script that has replaced the globals and prototypes does not change them', () => {
  const { end, value, message } = runJob(`
    String.prototype.slice = Array.prototype.push = Array.prototype.sort = () => { throw 'reached' };
    Array.prototype[Symbol.iterator] = () => { throw 'reached' };
    Object.defineProperty(Object.prototype, 'enumerable', { get() { throw 'reached' } });
    globalThis.Uint32Array = globalThis.TypeError = undefined;
    const u = new URL('?b=1&a=2', 'http://h/p'); u.searchParams.sort(); u.port = '8';
    export default u.href + new URLSearchParams({ __proto__: null, x: 'y' });`);
  assert.deepEqual([end, value], ['ok', 'http://h:8/p?a=2&b=1x=y'], message);
});

test('a URL of many megabytes counts against the job\'s memory', () => {
  const { end } = runJob(`const long = 'http://a/' + 'ü'.repeat(20_000_000); new URL(long)`, '--memory-mb', '64', '--heap-mb', '64');
  assert.ok(['memory', 'heap'].includes(end), end);
});
