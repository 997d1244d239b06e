/** TypeScript source as the checks read it: code, comments and texts told apart, line numbers kept. */

/** `code` has comments, texts and regular expressions blanked, all with the length and the lines of the source. */
export type SourceText = { code: string; comments: string; regexLines: number[] };

/** A comment, a text or a regular expression in the source, from `start` up to `end`. */
type Piece = { kind: "comment" | "text" | "regex"; start: number; end: number };

/** Splits a source. Text inside `${}` of a template counts as code. */
export function readSource(source: string): SourceText {
  const pieces = findPieces(source);
  let code = source;
  let comments = blank(source);
  const regexLines: number[] = [];
  for (const { kind, start, end } of pieces) {
    // The delimiters of a text stay, so that "" is still a value in the code.
    const inner = kind === "text" ? 1 : 0;
    code = code.slice(0, start + inner) + blank(source.slice(start + inner, end - inner)) + code.slice(end - inner);
    if (kind === "comment") {
      comments = comments.slice(0, start) + source.slice(start, end) + comments.slice(end);
    } else if (kind === "regex") {
      regexLines.push(lineAt(source, start));
    }
  }
  return { code, comments, regexLines };
}

/** The line of an offset, from 1. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}

/** Every match of a pattern (with the flag g) and its line. */
export function matchesWithLines(text: string, pattern: RegExp): { match: RegExpMatchArray; line: number }[] {
  return [...text.matchAll(pattern)].map((match) => ({ match, line: lineAt(text, match.index) }));
}

/** The specifiers of static imports and exports, in order, and their lines. */
export function importsOf(source: string): { specifier: string; line: number }[] {
  const pattern = /^(?:import|export)\s(?:[^;"'`]*?\sfrom\s)?\s*["']([^"']+)["']/gm;
  return matchesWithLines(source, pattern).map(({ match, line }) => ({ specifier: match[1] ?? "", line }));
}

function findPieces(source: string): Piece[] {
  const pieces: Piece[] = [];
  // Depth of braces for each open `${`, innermost last.
  const templates: number[] = [];
  let index = 0;
  const take = (kind: Piece["kind"], end: number): void => {
    pieces.push({ kind, start: index, end });
    index = end;
  };
  const takeTemplate = (): void => {
    const end = templateEnd(source, index + 1);
    if (source.startsWith("${", end - 2) && source[end - 3] !== "\\") {
      templates.push(0);
    }
    take("text", end);
  };
  while (index < source.length) {
    const char = source[index] ?? "";
    if (source.startsWith("//", index)) {
      const end = source.indexOf("\n", index);
      take("comment", end < 0 ? source.length : end);
    } else if (source.startsWith("/*", index)) {
      take("comment", source.indexOf("*/", index) + 2);
    } else if (char === '"' || char === "'") {
      take("text", quotedEnd(source, index));
    } else if (char === "`") {
      takeTemplate();
    } else if (char === "/" && regexMayBegin(source, index)) {
      take("regex", regexEnd(source, index));
    } else if (char === "}" && templates.at(-1) === 0) {
      templates.pop();
      takeTemplate();
    } else {
      const depth = templates.at(-1);
      if (depth !== undefined && (char === "{" || char === "}")) {
        templates[templates.length - 1] = depth + (char === "{" ? 1 : -1);
      }
      index += 1;
    }
  }
  return pieces;
}

function quotedEnd(source: string, start: number): number {
  let index = start + 1;
  while (index < source.length && source[index] !== source[start]) {
    index += source[index] === "\\" ? 2 : 1;
  }
  return index + 1;
}

/** The offset behind the closing backtick or behind the next `${`. */
function templateEnd(source: string, start: number): number {
  let index = start;
  while (index < source.length) {
    if (source[index] === "`") {
      return index + 1;
    }
    if (source.startsWith("${", index)) {
      return index + 2;
    }
    index += source[index] === "\\" ? 2 : 1;
  }
  return index;
}

/** A slash divides behind a value and begins a regular expression elsewhere. */
function regexMayBegin(source: string, index: number): boolean {
  const before = source.slice(0, index).trimEnd();
  const last = before.at(-1) ?? "";
  return /[(,=:[!&|?{};+\-*%<>~^]/.test(last) || last === "" || /\b(?:return|typeof|case|in|of)$/.test(before);
}

function regexEnd(source: string, start: number): number {
  let index = start + 1;
  let inClass = false;
  while (index < source.length && source[index] !== "\n") {
    const char = source[index];
    if (char === "/" && !inClass) {
      break;
    }
    inClass = char === "[" ? true : char === "]" ? false : inClass;
    index += char === "\\" ? 2 : 1;
  }
  return index + 1;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}
