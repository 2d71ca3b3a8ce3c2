// setTimeout, setInterval, setImmediate, queueMicrotask and their clears.
//
// How this works: waiting timers are in a binary heap by due time, then by order of creation; a map finds
// them by id. A timer that was cleared stays in the heap, dead, until it comes to the top or more than half
// of the heap is dead. The engine is told only of the earliest due time (native.loop.arm) and calls
// runTimers() when it has come. Microtasks run after every callback. Delays are whole milliseconds, at
// least 1 and at most 2^31-1 (else 1), as in Node; ids are numbers, one sequence for all three kinds.
import {
  Map,
  RangeError,
  TypeError,
  apply,
  list,
  mapDelete,
  mapGet,
  mapSet,
  mapSize,
  push,
  trunc,
} from '../primordials.js';

const { loop } = native;
const global = globalThis;

const MAX_DELAY_MS = 2 ** 31 - 1;
const US_PER_MS = 1000;
const MAX_PENDING = 20000; // of all three kinds together
const KEPT_DEAD = 1000; // cleared timers that may stay in the heap in any case
const NOTHING = -1;
const AT_ONCE = 0;

let heap = list();
let live; // id → timer or immediate
let immediates = list();
let nextId = 1;
let armed = NOTHING;
let armedIdle = false; // what armed stands for is a background timer
let foreground = 0; // timers of scripts that wait; a job that is settled waits for these alone
let running = false; // runTimers arms the loop itself when it is done

const before = (a, b) => a.due < b.due || (a.due === b.due && a.order < b.order);

function heapAdd(timer) {
  let at = heap.length;
  push(heap, timer);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(timer, heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = timer;
}

function heapRemoveTop() {
  const last = heap[heap.length - 1];
  heap.length--;
  if (heap.length === 0) return;
  let at = 0;
  for (let child; (child = 2 * at + 1) < heap.length; at = child) {
    if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], last)) break;
    heap[at] = heap[child];
  }
  heap[at] = last;
}

// Drops the dead timers when they are too many.
function heapTidy() {
  if (heap.length <= KEPT_DEAD || heap.length <= 2 * mapSize(live)) return;
  const old = heap;
  heap = list();
  for (let i = 0; i < old.length; i++) if (old[i].callback !== undefined) heapAdd(old[i]);
}

function nextDue() {
  if (immediates.length > 0) return AT_ONCE;
  while (heap.length > 0 && heap[0].callback === undefined) heapRemoveTop();
  return heap.length > 0 ? heap[0].due : NOTHING;
}

function arm() {
  if (running) return;
  tellLoop(false);
}

function tellLoop(always) {
  const due = nextDue();
  const idle = due !== NOTHING && foreground === 0 && immediates.length === 0;
  if (!always && due === armed && idle === armedIdle) return;
  armed = due;
  armedIdle = idle;
  loop.arm(due, idle);
}

function checkCallback(callback, name) {
  if (typeof callback !== 'function')
    throw new TypeError(`${name}: the first argument must be a function, found ${typeof callback}`);
}

function checkPending(name) {
  if (live !== undefined && mapSize(live) >= MAX_PENDING)
    throw new RangeError(`${name}: at most ${MAX_PENDING} timers and immediates may be pending in a job`);
}

function delayOf(delay) {
  delay = trunc(+delay);
  return delay >= 1 && delay <= MAX_DELAY_MS ? delay : 1;
}

function add(callback, delay, args, repeat, background = false) {
  const id = nextId++;
  const timer = { __proto__: null, id, order: id, due: 0, callback, args, repeat: 0, background };
  delay = delayOf(delay);
  if (!background) foreground++;
  if (repeat) timer.repeat = delay;
  timer.due = loop.now() + delay * US_PER_MS;
  live ??= new Map();
  mapSet(live, id, timer);
  heapAdd(timer);
  arm();
  return id;
}

function forget(timer) {
  mapDelete(live, timer.id);
  timer.callback = undefined;
  timer.args = undefined;
  if (!timer.background) foreground--;
}

function clear(id) {
  if (live === undefined || (typeof id !== 'number' && typeof id !== 'string')) return;
  id = +id;
  const timer = mapGet(live, id);
  if (timer === undefined) return;
  forget(timer);
  heapTidy();
  arm();
}

function run(timer) {
  const { callback, args } = timer;
  if (timer.repeat === 0) forget(timer);
  apply(callback, global, args);
  if (timer.repeat !== 0 && timer.callback !== undefined) {
    timer.order = nextId++;
    timer.due = loop.now() + timer.repeat * US_PER_MS;
    heapAdd(timer);
  }
  loop.drain();
}

function runDue(nowUs) {
  for (;;) {
    while (heap.length > 0 && heap[0].callback === undefined) heapRemoveTop();
    if (heap.length === 0 || heap[0].due > nowUs) break;
    const timer = heap[0];
    heapRemoveTop();
    run(timer);
  }
  // Immediates set from here on wait for the next round.
  const round = immediates;
  immediates = list();
  for (let i = 0; i < round.length; i++) if (round[i].callback !== undefined) run(round[i]);
}

export function runTimers(nowUs) {
  running = true;
  try {
    runDue(nowUs);
  } finally {
    running = false;
    tellLoop(true);
  }
}

// An invocation begins with none. again: ids that the script may have kept are not given a second time.
export function begin(again) {
  heap = list();
  immediates = list();
  live = undefined;
  if (!again) nextId = 1;
  armed = NOTHING;
  armedIdle = false;
  foreground = 0;
}

// For other built-ins: a timer; milliseconds; gives its id.
export function startTimer(callback, delay) {
  checkPending('timer');
  return add(callback, delay, [], false);
}

function addImmediate(callback, args) {
  const id = nextId++;
  const immediate = { __proto__: null, id, order: id, due: 0, callback, args, repeat: 0, background: true };
  live ??= new Map();
  mapSet(live, id, immediate);
  push(immediates, immediate);
  arm();
  return id;
}

// For other built-ins: runs the callback in a task of its own, for which a job waits.
export function queueTask(callback) {
  checkPending('a message');
  addImmediate(callback, []);
}

// For other built-ins: a timer for which a job that is settled does not wait. Milliseconds; gives its id.
export function startBackgroundTimer(callback, delay) {
  checkPending('timer');
  return add(callback, delay, [], false, true);
}
export const stopTimer = (id) => clear(id);

const functions = {
  __proto__: null,
  setTimeout(callback, delay = undefined, ...args) {
    checkCallback(callback, 'setTimeout');
    checkPending('setTimeout');
    return add(callback, delay, args, false);
  },
  setInterval(callback, delay = undefined, ...args) {
    checkCallback(callback, 'setInterval');
    checkPending('setInterval');
    return add(callback, delay, args, true);
  },
  setImmediate(callback, ...args) {
    checkCallback(callback, 'setImmediate');
    checkPending('setImmediate');
    return addImmediate(callback, args);
  },
  clearTimeout(id) {
    clear(id);
  },
  clearInterval(id) {
    clear(id);
  },
  clearImmediate(id) {
    clear(id);
  },
  queueMicrotask(callback) {
    checkCallback(callback, 'queueMicrotask');
    loop.microtask(callback);
  },
};

export const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, queueMicrotask } = functions;
