// User Timing (mark, measure) and Performance Timeline (entries, PerformanceObserver). The interface Performance
// itself is hr_time.js, which calls this for all but now().
import {
  Map,
  Set,
  TypeError,
  apply,
  arraySort,
  customInspect,
  freeze,
  list,
  mapDelete,
  mapGet,
  mapSet,
  push,
  setAdd,
  setDelete,
  setForEach,
  setHas,
  toArray,
} from '../primordials.js';
import { copy } from './cloneable.js';
import { inspect } from '../inspect.js';
import { DOMException } from './dom_exception.js';
import { dictionary, needArguments, sequence, shapeInterface } from './interface.js';
import { queueTask } from './timers.js';

const { loop } = native;

const US_PER_MS = 1000;
const TYPES = ['mark', 'measure'];
const now = () => loop.now() / US_PER_MS;

let making = false;
let entries = list(); // the timeline, in the order of creation
let marks = new Map(); // name → its latest mark
let observers = new Set();
let scheduled = false;

function make(build) {
  making = true;
  try {
    return build();
  } finally {
    making = false;
  }
}

// What the timeline reads of an entry, whatever a script put on the prototypes.
const inside = { __proto__: null };

export class PerformanceEntry {
  #name;
  #type;
  #start;
  #duration;
  constructor(name = undefined, type = undefined, start = undefined, duration = undefined) {
    if (!making) throw new TypeError('Illegal constructor');
    this.#name = name;
    this.#type = type;
    this.#start = start;
    this.#duration = duration;
  }
  get name() {
    return this.#name;
  }
  get entryType() {
    return this.#type;
  }
  get startTime() {
    return this.#start;
  }
  get duration() {
    return this.#duration;
  }
  toJSON() {
    return { name: this.#name, entryType: this.#type, startTime: this.#start, duration: this.#duration, ...inside.detailOf(this) };
  }
  [customInspect](depth, options) {
    const { name, entryType, startTime, duration } = this;
    return `${this.constructor.name} ${inspect({ name, entryType, startTime, duration, ...inside.detailOf(this) }, options)}`;
  }
  static {
    inside.nameOf = (entry) => entry.#name;
    inside.typeOf = (entry) => entry.#type;
    inside.startOf = (entry) => entry.#start;
  }
}

function number(value, where) {
  value = +value;
  if (value - value !== 0) throw new TypeError(`${where} must be a finite number`);
  return value;
}

const cloned = (detail) => (detail === undefined || detail === null ? null : copy(detail, undefined).value);

export class PerformanceMark extends PerformanceEntry {
  #detail;
  constructor(name, options = undefined) {
    needArguments(arguments.length, 1, 'PerformanceMark');
    name = `${name}`;
    const { detail, startTime } = dictionary(options, 'mark');
    let start;
    if (startTime === undefined) start = now();
    else start = number(startTime, 'mark: startTime');
    if (start < 0) throw new TypeError('mark: startTime must not be negative');
    const own = cloned(detail);
    making = true;
    try {
      super(name, 'mark', start, 0);
    } finally {
      making = false;
    }
    this.#detail = own;
  }
  get detail() {
    return this.#detail;
  }
  static {
    inside.markDetail = (entry) => (#detail in entry ? { detail: entry.#detail } : undefined);
  }
}

export class PerformanceMeasure extends PerformanceEntry {
  #detail;
  constructor(name = undefined, start = undefined, duration = undefined, detail = undefined) {
    if (!making) throw new TypeError('Illegal constructor');
    super(name, 'measure', start, duration);
    this.#detail = detail;
  }
  get detail() {
    return this.#detail;
  }
  static {
    inside.detailOf = (entry) =>
      #detail in entry ? { detail: entry.#detail } : inside.markDetail(entry);
  }
}

shapeInterface(PerformanceEntry);
shapeInterface(PerformanceMark);
shapeInterface(PerformanceMeasure);

// ---- the timeline ---------------------------------------------------------------------------------------------
function add(entry) {
  push(entries, entry);
  let told = false;
  setForEach(observers, (observer) => {
    if (inside.offer(observer, entry)) told = true;
  });
  if (told) tellLater();
}

function sorted(all, name, type) {
  const out = list();
  for (let i = 0; i < all.length; i++) {
    if (type !== undefined && inside.typeOf(all[i]) !== type) continue;
    if (name !== undefined && inside.nameOf(all[i]) !== name) continue;
    push(out, all[i]);
  }
  arraySort(out, (a, b) => inside.startOf(a) - inside.startOf(b));
  return toArray(out);
}

export function mark(name, options) {
  const entry = new PerformanceMark(name, options);
  mapSet(marks, inside.nameOf(entry), entry);
  add(entry);
  return entry;
}

function timeOf(value, where) {
  if (typeof value === 'number' || typeof value === 'bigint') {
    const time = number(value, where);
    if (time < 0) throw new TypeError(`${where} must not be negative`);
    return time;
  }
  const known = mapGet(marks, `${value}`);
  if (known === undefined) throw new DOMException(`${where}: there is no mark '${value}'`, 'SyntaxError');
  return inside.startOf(known);
}

const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

export function measure(name, startOrOptions, endMark) {
  name = `${name}`;
  const options = isObject(startOrOptions) ? startOrOptions : undefined;
  let { start, duration, end, detail } = options ?? { __proto__: null };
  const given = start !== undefined || duration !== undefined || end !== undefined || detail !== undefined;
  if (options !== undefined && given) {
    if (endMark !== undefined) throw new TypeError('measure: options and an end mark exclude each other');
    if (start === undefined && end === undefined) throw new TypeError('measure: start or end is needed');
    if (start !== undefined && duration !== undefined && end !== undefined)
      throw new TypeError('measure: of start, duration and end only two can be given');
  }
  if (options === undefined && startOrOptions !== undefined && startOrOptions !== null) start = `${startOrOptions}`;
  if (duration !== undefined) duration = number(duration, 'measure: duration');
  let endTime;
  if (endMark !== undefined) endTime = timeOf(`${endMark}`, 'measure: the end');
  else if (end !== undefined) endTime = timeOf(end, 'measure: the end');
  else if (start !== undefined && duration !== undefined) endTime = timeOf(start, 'measure: the start') + duration;
  else endTime = now();
  let startTime = 0;
  if (start !== undefined) startTime = timeOf(start, 'measure: the start');
  else if (duration !== undefined && end !== undefined) startTime = endTime - duration;
  const own = cloned(detail);
  const entry = make(() => new PerformanceMeasure(name, startTime, endTime - startTime, own));
  add(entry);
  return entry;
}

function clear(type, name) {
  const kept = list();
  for (let i = 0; i < entries.length; i++)
    if (inside.typeOf(entries[i]) !== type || (name !== undefined && inside.nameOf(entries[i]) !== name)) push(kept, entries[i]);
  entries = kept;
}

export function clearMarks(name) {
  if (name === undefined) marks = new Map();
  else mapDelete(marks, (name = `${name}`));
  clear('mark', name);
}
export function clearMeasures(name) {
  clear('measure', name === undefined ? undefined : `${name}`);
}
export const getEntries = () => sorted(entries);
export const getEntriesByType = (type) => sorted(entries, undefined, `${type}`);
export const getEntriesByName = (name, type) =>
  sorted(entries, `${name}`, type === undefined ? undefined : `${type}`);

// ---- observers ------------------------------------------------------------------------------------------------
function tellLater() {
  if (scheduled) return;
  scheduled = true;
  queueTask(() => {
    scheduled = false;
    const all = list();
    setForEach(observers, (observer) => push(all, observer));
    for (let i = 0; i < all.length; i++) inside.tell(all[i]);
  });
}

export class PerformanceObserverEntryList {
  #entries;
  constructor(all = undefined) {
    if (!making) throw new TypeError('Illegal constructor');
    this.#entries = all;
  }
  getEntries() {
    return sorted(this.#entries);
  }
  getEntriesByType(type) {
    this.#entries;
    needArguments(arguments.length, 1, 'getEntriesByType');
    return sorted(this.#entries, undefined, `${type}`);
  }
  getEntriesByName(name, type = undefined) {
    this.#entries;
    needArguments(arguments.length, 1, 'getEntriesByName');
    return sorted(this.#entries, `${name}`, type === undefined ? undefined : `${type}`);
  }
}

const supported = freeze(['mark', 'measure']);
const isSupported = (type) => type === TYPES[0] || type === TYPES[1];

export class PerformanceObserver {
  #callback;
  #buffer = list();
  #types = new Set();
  #single; // observed by `type`, one after the other
  #first = true;
  constructor(callback) {
    needArguments(arguments.length, 1, 'PerformanceObserver');
    if (typeof callback !== 'function') throw new TypeError('PerformanceObserver: the argument must be a function');
    this.#callback = callback;
  }
  static get supportedEntryTypes() {
    return supported;
  }
  observe(options = undefined) {
    this.#types;
    const { buffered = false, entryTypes, type } = dictionary(options, 'observe');
    if (entryTypes === undefined && type === undefined) throw new TypeError('observe: type or entryTypes is needed');
    if (entryTypes !== undefined && (type !== undefined || buffered))
      throw new TypeError('observe: entryTypes excludes type and buffered');
    const single = type !== undefined;
    if (this.#single !== undefined && this.#single !== single)
      throw new DOMException('observe: an observer takes either type or entryTypes', 'InvalidModificationError');
    const asked = single ? undefined : sequence(entryTypes, 'observe: entryTypes');
    this.#single = single;
    if (single) {
      if (!isSupported(`${type}`)) return;
      setAdd(this.#types, `${type}`);
    } else {
      const types = new Set();
      for (let i = 0; i < asked.length; i++) if (isSupported(`${asked[i]}`)) setAdd(types, `${asked[i]}`);
      let some = false;
      setForEach(types, () => {
        some = true;
      });
      if (!some) return;
      this.#types = types;
    }
    setAdd(observers, this);
    if (!single || !buffered) return;
    let any = false;
    for (let i = 0; i < entries.length; i++) {
      if (inside.typeOf(entries[i]) !== `${type}`) continue;
      push(this.#buffer, entries[i]);
      any = true;
    }
    if (any) tellLater();
  }
  disconnect() {
    setDelete(observers, this);
    this.#buffer = list();
    this.#types = new Set();
    this.#single = undefined;
  }
  takeRecords() {
    const all = this.#buffer;
    this.#buffer = list();
    return toArray(all);
  }

  static {
    inside.offer = (observer, entry) => {
      if (!setHas(observer.#types, inside.typeOf(entry))) return false;
      push(observer.#buffer, entry);
      return true;
    };
    inside.tell = (observer) => {
      const all = observer.#buffer;
      if (all.length === 0) return;
      observer.#buffer = list();
      const about = observer.#first ? { droppedEntriesCount: 0 } : {};
      observer.#first = false;
      try {
        apply(observer.#callback, observer, [make(() => new PerformanceObserverEntryList(all)), observer, about]);
      } catch (error) {
        loop.report(error);
      }
    };
  }
}
shapeInterface(PerformanceObserverEntryList);
shapeInterface(PerformanceObserver);

export function reset() {
  entries = list();
  marks = new Map();
  observers = new Set();
  scheduled = false;
}
