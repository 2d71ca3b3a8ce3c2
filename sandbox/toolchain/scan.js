// Whether a source has what the fast transformer leaves as it is and V8 does not know: decorators, and
// accessor fields; or what it transforms wrongly: namespaces and enums of several blocks.
//
// How this works: a first look with regular expressions settles nearly every source. Where it finds
// something, a scan passes over comments, strings, templates and regular expressions, since "@param" in a
// comment is the usual case. What it takes for a decorator by mistake is only transformed more slowly.
const MAYBE = /@[\p{ID_Start}$_(\\]|\baccessor[ \t]+[\p{ID_Start}$_#["'\\]/u;

const REGEXP_MAY_FOLLOW = new Set(
  ('await case delete do else extends export default from if in instanceof new of return throw typeof void while ' +
    'yield').split(' '),
);
const WORD = /[\p{ID_Continue}$\u200c\u200d]+/uy;

// "accessor" begins a field where a member of a class can begin, and a name follows that is no operator.
const BEFORE_FIELD = /(?:^|[{};\n]|\b(?:static|public|private|protected|override|readonly|abstract|declare))[ \t]*$/;
const FIELD = /^[ \t]+(?!(?:of|in|as|satisfies|instanceof|is)\b)[\p{ID_Start}$_#["'\\]/u;

const isSpace = (c) => c === ' ' || c === '\t' || c === '\n' || c === '\r';

function behindString(text, at) {
  const quote = text[at];
  for (at++; at < text.length && text[at] !== quote && text[at] !== '\n'; at++) if (text[at] === '\\') at++;
  return at + 1;
}

function behindRegExp(text, at) {
  let inClass = false;
  for (at++; at < text.length && text[at] !== '\n'; at++) {
    const c = text[at];
    if (c === '\\') at++;
    else if (c === '[') inClass = true;
    else if (c === ']') inClass = false;
    else if (c === '/' && !inClass) return at + 1;
  }
  return at;
}

// Behind the text of a template from `at` on: its end, or the next "${" (open).
function behindTemplateText(text, at) {
  for (; at < text.length; at++) {
    const c = text[at];
    if (c === '\\') at++;
    else if (c === '`') return { at: at + 1, open: false };
    else if (c === '$' && text[at + 1] === '{') return { at: at + 2, open: true };
  }
  return { at, open: false };
}

// Blocks of one namespace or enum that see each other's names: only the compiler writes N.a for `a` there.
const BLOCK = /\b(?:namespace|module|enum)[ \t]+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu;

export function hasMergedBlocks(text) {
  const seen = new Set();
  for (const [, name] of text.matchAll(BLOCK)) {
    if (seen.has(name)) return true;
    seen.add(name);
  }
  return false;
}

// 'decorators', 'accessor fields', or undefined.
export function findUnknown(text) {
  if (!MAYBE.test(text)) return undefined;
  const braces = []; // true: "${" of a template, false: "{"
  let operand = true; // an expression may begin here: "/" begins a regular expression
  let at = 0;
  if (text.startsWith('#!')) at = behindLine(text, 0);
  while (at < text.length) {
    const c = text[at];
    if (isSpace(c)) {
      at++;
    } else if (c === '/' && text[at + 1] === '/') {
      at = behindLine(text, at);
    } else if (c === '/' && text[at + 1] === '*') {
      const end = text.indexOf('*/', at + 2);
      at = end < 0 ? text.length : end + 2;
    } else if (c === '"' || c === "'") {
      at = behindString(text, at);
      operand = false;
    } else if (c === '`' || (c === '}' && braces.at(-1) === true)) {
      if (c === '}') braces.pop();
      const t = behindTemplateText(text, at + 1);
      at = t.at;
      if (t.open) braces.push(true);
      operand = t.open;
    } else if (c === '/' && operand) {
      at = behindRegExp(text, at);
      operand = false;
    } else if ((c === '+' || c === '-') && text[at + 1] === c) {
      at += 2; // behind x++ no expression begins, behind ++ of ++x one does: as before
    } else if (c === '@') {
      return 'decorators';
    } else {
      WORD.lastIndex = at;
      const word = WORD.exec(text)?.[0];
      if (word !== undefined) {
        at += word.length;
        const begin = at - word.length;
        if (
          word === 'accessor' &&
          BEFORE_FIELD.test(text.slice(Math.max(0, begin - 40), begin)) &&
          FIELD.test(text.slice(at, at + 40))
        )
          return 'accessor fields';
        operand = REGEXP_MAY_FOLLOW.has(word);
        continue;
      }
      if (c === '{') braces.push(false);
      else if (c === '}') braces.pop();
      operand = c !== ')' && c !== ']' && c !== '}';
      at++;
    }
  }
  return undefined;
}

function behindLine(text, at) {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}
