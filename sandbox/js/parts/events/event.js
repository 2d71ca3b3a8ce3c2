// Event and CustomEvent (DOM standard, 2.2 and 2.4). Without a tree an event's path is its target alone.
import { customInspect, defineProperty, descriptorOf } from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { dictionary, installConstants, needArguments, shapeInterface } from '../interface.js';

const { loop } = native;

const US_PER_MS = 1000;
const PHASES = { __proto__: null, NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 };

// What dispatch needs of an event; nobody else has it.
export const inside = { __proto__: null };

// Events that built-ins make themselves are trusted.
let trusting = false;
export function trusted(make) {
  trusting = true;
  try {
    return make();
  } finally {
    trusting = false;
  }
}

export class Event {
  #type;
  #bubbles;
  #cancelable;
  #composed;
  #trusted = trusting;
  #target = null;
  #current = null;
  #phase = 0;
  #dispatched = false;
  #stop = false;
  #stopNow = false;
  #canceled = false;
  #passive = false;
  #timeStamp = loop.now() / US_PER_MS;

  constructor(type, init = undefined) {
    needArguments(arguments.length, 1, 'Event');
    this.#type = `${type}`;
    const own = dictionary(init, 'Event');
    this.#bubbles = !!own.bubbles;
    this.#cancelable = !!own.cancelable;
    this.#composed = !!own.composed;
    defineProperty(this, 'isTrusted', trustedAccessor); // [LegacyUnforgeable]
  }
  get type() {
    return this.#type;
  }
  get target() {
    return this.#target;
  }
  get srcElement() {
    return this.#target;
  }
  get currentTarget() {
    return this.#current;
  }
  composedPath() {
    return this.#current === null ? [] : [this.#current];
  }
  get eventPhase() {
    return this.#phase;
  }
  stopPropagation() {
    this.#stop = true;
  }
  get cancelBubble() {
    return this.#stop;
  }
  set cancelBubble(value) {
    if (value) this.#stop = true;
    else this.#type; // a receiver of another class throws
  }
  stopImmediatePropagation() {
    this.#stop = true;
    this.#stopNow = true;
  }
  get bubbles() {
    return this.#bubbles;
  }
  get cancelable() {
    return this.#cancelable;
  }
  get returnValue() {
    return !this.#canceled;
  }
  set returnValue(value) {
    if (!this.#canceled && !value) this.#cancel();
  }
  preventDefault() {
    this.#cancel();
  }
  #cancel() {
    if (this.#cancelable && !this.#passive) this.#canceled = true;
  }
  get defaultPrevented() {
    return this.#canceled;
  }
  get composed() {
    return this.#composed;
  }
  get timeStamp() {
    return this.#timeStamp;
  }
  initEvent(type, bubbles = false, cancelable = false) {
    needArguments(arguments.length, 1, 'initEvent');
    inside.init(this, `${type}`, !!bubbles, !!cancelable);
  }
  [customInspect](depth, options) {
    const { type, defaultPrevented, cancelable, timeStamp } = this;
    return `${this.constructor.name} ${inspect({ type, defaultPrevented, cancelable, timeStamp }, options)}`;
  }

  static {
    inside.isEvent = (value) => typeof value === 'object' && value !== null && #type in value;
    inside.init = (event, type, bubbles, cancelable) => {
      if (event.#dispatched) return false;
      event.#type = type;
      event.#bubbles = bubbles;
      event.#cancelable = cancelable;
      event.#trusted = false;
      event.#stop = event.#stopNow = event.#canceled = false;
      event.#target = null;
      return true;
    };
    inside.typeOf = (event) => event.#type;
    inside.isCanceled = (event) => event.#canceled;
    inside.isDispatched = (event) => event.#dispatched;
    inside.begin = (event, target) => {
      event.#dispatched = true;
      event.#target = event.#current = target;
      event.#phase = PHASES.AT_TARGET;
    };
    inside.end = (event) => {
      event.#dispatched = event.#stop = event.#stopNow = false;
      event.#current = null;
      event.#phase = PHASES.NONE;
    };
    inside.untrust = (event) => {
      event.#trusted = false;
    };
    inside.isStopped = (event) => event.#stop;
    inside.isStoppedNow = (event) => event.#stopNow;
    inside.setPassive = (event, passive) => {
      event.#passive = passive;
    };
    inside.isTrusted = (event) => event.#trusted;
  }
}

// One getter for all events, as Web IDL has it.
const trustedAccessor = descriptorOf(
  {
    get isTrusted() {
      return inside.isTrusted(this);
    },
  },
  'isTrusted',
);
trustedAccessor.configurable = false;

export class CustomEvent extends Event {
  #detail;
  constructor(type, init = undefined) {
    needArguments(arguments.length, 1, 'CustomEvent');
    super(type, init);
    const { detail = null } = dictionary(init, 'CustomEvent');
    this.#detail = detail;
  }
  get detail() {
    return this.#detail;
  }
  initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
    needArguments(arguments.length, 1, 'initCustomEvent');
    this.#detail;
    if (inside.init(this, `${type}`, !!bubbles, !!cancelable)) this.#detail = detail;
  }
}

shapeInterface(Event);
shapeInterface(CustomEvent);
installConstants(Event, PHASES);
