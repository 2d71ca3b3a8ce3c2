// Stands before testharness.js in a cell and, for comparison, in Node.js: the names that a worker's global object
// has in a browser's test run, files of the checkout instead of a server, and one line of output a result.
// `wptFiles` (path → [base64, type]), `wptVariant` and `wptPath` stand before it.
(() => {
  const write = console.log.bind(console);
  const stringify = JSON.stringify;
  const native = globalThis.fetch;
  const hide = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  if (!('self' in globalThis)) hide('self', globalThis);
  hide('GLOBAL', { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false });
  const origin = 'http://web-platform.test:8000';
  hide('location', {
    href: `${origin}/${wptPath}${wptVariant}`, origin, protocol: 'http:', host: 'web-platform.test:8000',
    hostname: 'web-platform.test', port: '8000', pathname: `/${wptPath}`, search: wptVariant, hash: '',
    toString() { return this.href; },
  });
  // Node.js has no such target at its global object.
  if (typeof globalThis.addEventListener !== 'function') {
    const target = new EventTarget();
    for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent'])
      hide(name, target[name].bind(target));
    const tell = (type, members, error) => {
      const event = Object.assign(new Event(type, { cancelable: true }), members);
      const handler = globalThis[`on${type}`];
      if (typeof handler === 'function') handler.call(globalThis, event);
      target.dispatchEvent(event);
    };
    process.on('uncaughtException', (error) => tell('error', { error, message: `Uncaught ${error}` }));
    process.on('unhandledRejection', (reason, promise) => tell('unhandledrejection', { reason, promise }));
  } else {
    // The harness says what an uncaught error means; it must not end the job before.
    for (const type of ['error', 'unhandledrejection']) addEventListener(type, (event) => event.preventDefault());
  }
  const fileOf = (url) => {
    let path = String(url);
    if (path.startsWith(origin)) path = path.slice(origin.length);
    const parts = path.startsWith('/') ? [] : wptPath.split('/').slice(0, -1);
    for (const part of path.split(/[?#]/)[0].split('/'))
      if (part === '..') parts.pop();
      else if (part !== '.' && part !== '') parts.push(part);
    return parts.join('/');
  };
  if (Object.keys(wptFiles).length > 0)
    hide('fetch', async (url, ...rest) => {
      const file = wptFiles[fileOf(url)];
      if (file === undefined) return native(url, ...rest);
      return native(`data:${file[1] || 'application/octet-stream'};base64,${file[0]}`);
    });
  const ofInterfaces = /(?:^|\/)idlharness/.test(wptPath);
  // Runtimes of servers have no base URL, the tests want one.
  if (!ofInterfaces && typeof Request === 'function')
    hide('Request', new Proxy(Request, {
      construct(target, [input, ...rest], made) {
        const relative = input !== undefined && !(input instanceof target) && !URL.canParse(input) && URL.canParse(input, location.href);
        return Reflect.construct(target, [relative ? new URL(input, location.href).href : input, ...rest], made === Request ? target : made);
      },
    }));
  // A job and a process end when no timer is pending; a test may wait for less (AbortSignal.timeout).
  const [awake, sleep] = [setInterval(() => {}, 1000), clearInterval];
  const status = ['PASS', 'FAIL', 'TIMEOUT', 'NOTRUN', 'PRECONDITION_FAILED'];
  hide('wptBegin', () => {
    // The suite's reader of interfaces asks which of them are exposed: those that a worker has.
    if (ofInterfaces) {
      const scope = class { static [Symbol.hasInstance] = (object) => object === globalThis; };
      for (const name of ['DedicatedWorkerGlobalScope', 'WorkerGlobalScope'])
        if (!(name in globalThis)) hide(name, scope);
    }
    add_result_callback((t) => write(`\nWPT ${stringify(['test', t.name, status[t.status], String(t.message ?? '').slice(0, 300)])}`));
    add_completion_callback((tests, harness) => {
      sleep(awake);
      // Open ports and channels keep Node.js alive.
      if (typeof process === 'object') setTimeout(() => process.exit(0), 10);
      write(`\nWPT ${stringify(['end', ['OK', 'ERROR', 'TIMEOUT', 'PRECONDITION_FAILED'][harness.status], String(harness.message ?? '').slice(0, 500)])}`);
    });
  });
})();
