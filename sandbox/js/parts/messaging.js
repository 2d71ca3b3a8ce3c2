// MessageChannel, MessagePort (HTML, 9.4) and BroadcastChannel (9.5) within one job. A message is copied when
// it is posted and delivered in a task of its own; a job waits for messages on their way, not for open ports.
import {
  Map,
  TypeError,
  iterator,
  list,
  mapGet,
  mapSet,
  push,
} from '../primordials.js';
import { cloneable, copy, transferListOf } from './cloneable.js';
import { DOMException } from './dom_exception.js';
import { dictionary, needArguments, shapeInterface } from './interface.js';
import { queueTask } from './timers.js';
import {
  Event,
  EventTarget,
  MessageEvent,
  defineHandler,
  fire,
  setPortTest,
  trusted,
} from './events/index.js';

let making = false;
const inside = { __proto__: null };

// One end of a channel; a port that is transferred gives its end to the new port.
const makeEnd = () => ({ __proto__: null, port: undefined, peer: undefined, queue: list(), started: false, scheduled: false });

function schedule(end) {
  if (!end.started || end.scheduled || end.queue.length === 0) return;
  end.scheduled = true;
  queueTask(() => {
    end.scheduled = false;
    if (end.started) deliver(end);
  });
}

function deliver(end) {
  const { queue } = end;
  if (queue.length === 0) return;
  const message = queue[0];
  const rest = list();
  for (let i = 1; i < queue.length; i++) push(rest, queue[i]);
  end.queue = rest;
  schedule(end);
  if (message.closed) {
    fire(end.port, trusted(() => new Event('close')));
    return;
  }
  const { data, ports } = message;
  fire(end.port, trusted(() => new MessageEvent('message', { __proto__: null, data, ports: iterable(ports) })));
}

// A list of our own, for what takes only iterables.
function iterable(items) {
  let at = 0;
  const next = () => (at < items.length ? { value: items[at++], done: false } : { value: undefined, done: true });
  return { __proto__: null, [iterator]: () => ({ __proto__: null, next }) };
}

// Of what was transferred, the ports: streams are only in the message.
function portsOf(moved) {
  const ports = list();
  for (let i = 0; i < moved.length; i++) if (inside.isPort(moved[i])) push(ports, moved[i]);
  return ports;
}

// postMessage(message, transfer) and postMessage(message, {transfer})
function transferOf(options, where) {
  if ((typeof options === 'object' && options !== null) || typeof options === 'function') {
    const method = options[iterator];
    if (method !== undefined && method !== null) return transferListOf({ __proto__: null, transfer: options }, where);
  }
  return transferListOf(dictionary(options, where), where);
}

export class MessagePort extends EventTarget {
  #end;
  constructor() {
    if (!making) throw new TypeError('Illegal constructor');
    super();
  }
  postMessage(message, options = undefined) {
    const end = this.#end;
    needArguments(arguments.length, 1, 'postMessage');
    const transfer = transferOf(options, 'postMessage');
    if (transfer !== undefined)
      for (let i = 0; i < transfer.length; i++)
        if (transfer[i] === this)
          throw new DOMException('postMessage: a port cannot be sent through itself', 'DataCloneError');
    const { value, moved } = copy(message, transfer);
    if (end?.peer === undefined) return;
    push(end.peer.queue, { __proto__: null, data: value, ports: portsOf(moved), closed: false });
    schedule(end.peer);
  }
  start() {
    inside.start(this);
  }
  close() {
    const end = this.#end;
    if (end === undefined) return;
    this.#end = undefined;
    const { peer } = end;
    end.peer = undefined;
    end.started = false;
    end.queue = list();
    if (peer === undefined) return;
    peer.peer = undefined;
    push(peer.queue, { __proto__: null, closed: true });
    peer.started = true;
    schedule(peer);
  }

  static {
    inside.isPort = (value) => typeof value === 'object' && value !== null && #end in value;
    inside.start = (port) => {
      const end = port.#end;
      if (end === undefined || end.started) return;
      end.started = true;
      schedule(end);
    };
    inside.isDetached = (port) => port.#end === undefined;
    inside.setEnd = (port, end) => {
      port.#end = end;
      end.port = port;
    };
    inside.takeEnd = (port) => {
      const end = port.#end;
      port.#end = undefined;
      end.started = false;
      return end;
    };
  }
}

function makePort(end) {
  making = true;
  try {
    const port = new MessagePort();
    inside.setEnd(port, end);
    return port;
  } finally {
    making = false;
  }
}

shapeInterface(MessagePort);
defineHandler(MessagePort, 'messageerror');
defineHandler(MessagePort, 'close');
defineHandler(MessagePort, 'message', inside.start); // setting it starts the port

export class MessageChannel {
  #port1;
  #port2;
  constructor() {
    const one = makeEnd();
    const two = makeEnd();
    one.peer = two;
    two.peer = one;
    this.#port1 = makePort(one);
    this.#port2 = makePort(two);
  }
  get port1() {
    return this.#port1;
  }
  get port2() {
    return this.#port2;
  }
}
shapeInterface(MessageChannel);

setPortTest(inside.isPort);
cloneable({
  __proto__: null,
  is: inside.isPort,
  take: () => {
    throw new DOMException('A MessagePort could not be cloned: it must be in the transfer list', 'DataCloneError');
  },
  transfers: (port) => {
    if (inside.isDetached(port))
      throw new DOMException('A MessagePort that is closed or was transferred could not be transferred', 'DataCloneError');
    return true;
  },
  move: (port) => makePort(inside.takeEnd(port)),
});

// ---- BroadcastChannel -----------------------------------------------------------------------------------------
let channels; // name → list of open channels

function without(all, one) {
  const kept = list();
  for (let i = 0; i < all.length; i++) if (all[i] !== one) push(kept, all[i]);
  return kept;
}

export class BroadcastChannel extends EventTarget {
  #name;
  #closed = false;
  constructor(name) {
    needArguments(arguments.length, 1, 'BroadcastChannel');
    name = `${name}`;
    super();
    this.#name = name;
    channels ??= new Map();
    const all = without(mapGet(channels, name) ?? list(), undefined);
    push(all, this);
    mapSet(channels, name, all);
  }
  get name() {
    return this.#name;
  }
  postMessage(message) {
    this.#name;
    needArguments(arguments.length, 1, 'postMessage');
    if (this.#closed)
      throw new DOMException('postMessage: the BroadcastChannel is closed', 'InvalidStateError');
    const all = mapGet(channels, this.#name);
    if (all.length === 1) copy(message, undefined); // says what it cannot
    for (let i = 0; i < all.length; i++) {
      const to = all[i];
      if (to === this) continue;
      const { value: data } = copy(message, undefined);
      queueTask(() => {
        if (!to.#closed) fire(to, trusted(() => new MessageEvent('message', { __proto__: null, data })));
      });
    }
  }
  close() {
    if (this.#closed) return;
    this.#closed = true;
    mapSet(channels, this.#name, without(mapGet(channels, this.#name), this));
  }
}
shapeInterface(BroadcastChannel);
defineHandler(BroadcastChannel, 'message');
defineHandler(BroadcastChannel, 'messageerror');

export function reset() {
  channels = undefined;
}
