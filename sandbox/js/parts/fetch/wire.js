// A response's body as it comes from the supervisor: a stream of bytes that is read when a script reads, with
// its content encodings undone.
import { list, push, stringToLowerCase } from '../../primordials.js';
import { lazy } from '../../parts.js';
import { ReadableStream } from '../streams/index.js';
import { headersInside } from './headers.js';
import { listedValues } from './mime.js';

const compression = lazy('compression');

const ENCODINGS_MAX = 5; // of one body

// Decoders in the order in which they are applied; undefined: the body is as it is.
function decodersOf(headers) {
  const all = headersInside.get(headers, 'content-encoding');
  if (all === null) return undefined;
  const names = listedValues(all);
  const out = list();
  for (let i = names.length - 1; i >= 0; i--) {
    const name = stringToLowerCase(names[i]);
    if (name === '' || name === 'identity') continue;
    if (!compression().Decoder.knows(name)) return undefined; // unknown ones pass, as in browsers
    if (out.length === ENCODINGS_MAX) throw new TypeError(`found more than ${ENCODINGS_MAX} content encodings`);
    push(out, new (compression().Decoder)(name));
  }
  return out.length === 0 ? undefined : out;
}

// A function that gives the next bytes, or undefined at the end.
function reader(download, decoders) {
  if (decoders === undefined) return () => download.read();
  const last = decoders.length - 1;
  // From decoder i, which asks the one before it for more.
  const take = async (i) => {
    if (i < 0) return download.read();
    for (;;) {
      const out = decoders[i].take();
      if (out !== undefined) return out;
      const more = await take(i - 1);
      if (more === undefined) {
        decoders[i].end();
        return undefined;
      }
      decoders[i].give(more);
    }
  };
  return () => take(last);
}

export function bodyStream(download, headers, exchange) {
  const decoders = decodersOf(headers);
  const next = reader(download, decoders);
  const end = () => {
    for (let i = 0; decoders !== undefined && i < decoders.length; i++) decoders[i].close();
    exchange.download = undefined;
    exchange.fail = undefined;
    exchange.over?.();
  };
  return new ReadableStream(
    {
      __proto__: null,
      type: 'bytes',
      start(controller) {
        exchange.fail = (reason) => {
          try {
            controller.error(reason);
          } catch {}
        };
      },
      async pull(controller) {
        let bytes;
        try {
          bytes = await next();
        } catch (error) {
          const aborted = exchange.aborted;
          end();
          download.abort('not wanted');
          if (aborted !== undefined) throw aborted.reason;
          throw new TypeError(`fetch failed: ${error?.message}`, { cause: error });
        }
        if (exchange.aborted !== undefined) return;
        if (bytes !== undefined) {
          controller.enqueue(bytes);
          return;
        }
        end();
        download.close();
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel() {
        end();
        download.abort('cancelled');
      },
    },
    { __proto__: null, highWaterMark: 0 },
  );
}
