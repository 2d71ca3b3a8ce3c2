// TextEncoderStream and TextDecoderStream (https://encoding.spec.whatwg.org/#interface-textencoderstream).
import { TransformStream } from 'web-streams-polyfill';
import { charCodeAt, customInspect, stringSlice, typedArrayLength } from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { TextDecoder, decodeWith } from '../text_coding.js';

const { text } = native;

const isHighSurrogate = (unit) => unit >= 0xd800 && unit <= 0xdbff;

export class TextEncoderStream {
  #transform;
  #kept = ''; // half of a surrogate pair, whose other half may begin the next chunk

  constructor() {
    this.#transform = new TransformStream({
      __proto__: null,
      transform: (chunk, controller) => {
        let all = this.#kept + `${chunk}`;
        this.#kept = '';
        if (all === '') return;
        if (isHighSurrogate(charCodeAt(all, all.length - 1))) {
          this.#kept = all[all.length - 1];
          all = stringSlice(all, 0, all.length - 1);
        }
        const bytes = text.encode(all);
        if (typedArrayLength(bytes) > 0) controller.enqueue(bytes);
      },
      flush: (controller) => {
        if (this.#kept !== '') controller.enqueue(text.encode('\ufffd'));
      },
    });
  }
  get encoding() {
    if (!(#transform in this)) throw new TypeError('Illegal invocation');
    return 'utf-8';
  }
  get readable() {
    return this.#transform.readable;
  }
  get writable() {
    return this.#transform.writable;
  }
  [customInspect](depth, options) {
    const { readable, writable } = this.#transform;
    return `TextEncoderStream ${inspect({ encoding: 'utf-8', readable, writable }, options)}`;
  }
}

export class TextDecoderStream {
  #transform;
  #decoder;

  constructor(label = 'utf-8', options = undefined) {
    const decoder = new TextDecoder(label, options);
    this.#decoder = decoder;
    this.#transform = new TransformStream({
      __proto__: null,
      transform(chunk, controller) {
        const piece = decodeWith(decoder, chunk, true);
        if (piece !== '') controller.enqueue(piece);
      },
      flush(controller) {
        const piece = decodeWith(decoder, undefined, false);
        if (piece !== '') controller.enqueue(piece);
      },
    });
  }
  get encoding() {
    return this.#decoder.encoding;
  }
  get fatal() {
    return this.#decoder.fatal;
  }
  get ignoreBOM() {
    return this.#decoder.ignoreBOM;
  }
  get readable() {
    return this.#transform.readable;
  }
  get writable() {
    return this.#transform.writable;
  }
  [customInspect](depth, options) {
    const { encoding, fatal, ignoreBOM } = this.#decoder;
    const { readable, writable } = this.#transform;
    return `TextDecoderStream ${inspect({ encoding, fatal, ignoreBOM, readable, writable }, options)}`;
  }
}
