// A job with an npm package, bundled before it is sent: isolane run examples/npm
// (npm packages come from the project's node_modules, here those of this repository).
import { decode, type SourceMapMappings } from '@jridgewell/sourcemap-codec';

interface Input {
  mappings: string;
}

export default (input: Input | null) => {
  const lines: SourceMapMappings = decode(input?.mappings ?? 'AAAA,IAAI;AACJ');
  return { lines: lines.length, segments: lines.reduce((sum, line) => sum + line.length, 0) };
};
