/** Swift source as the checks read it: comments told from code, declarations with their members. */

/** A declaration of a file that other files or modules may use. */
export type SwiftDeclaration = {
  kind: "func" | "let" | "var" | "struct" | "class" | "enum" | "typealias" | "protocol";
  name: string;
  line: number;
  /** Parameter names of a function. */
  parameters: string[];
  /** Names of stored properties, in order. */
  fields: string[];
  /** Cases of an enum: `raw` is the raw value, or what a case without one is called. */
  cases: { name: string; raw: string; labels: string[] }[];
};

/** The source with comments blanked, and only the comments, both with the length and the lines of the source. */
export function splitSwift(source: string): { code: string; comments: string } {
  let code = "";
  let comments = "";
  let at = 0;
  while (at < source.length) {
    const end = commentEnd(source, at);
    if (end > at) {
      code += blank(source.slice(at, end));
      comments += source.slice(at, end);
      at = end;
      continue;
    }
    const next = source[at] === '"' ? textEnd(source, at) : at + 1;
    code += source.slice(at, next);
    comments += blank(source.slice(at, next));
    at = next;
  }
  return { code, comments };
}

/** Code (without comments) with its texts blanked, and only the texts; what `\(…)` puts into a text counts as code. */
export function splitTexts(source: string): { code: string; texts: string } {
  let code = "";
  let texts = "";
  let at = 0;
  while (at < source.length) {
    const end = source[at] === '"' ? textEnd(source, at) : at + 1;
    const piece = source.slice(at, end);
    const inserted = source[at] === '"' ? insertedCode(piece) : piece;
    code += inserted;
    texts += piece.replace(/[^\n]/g, (char, index: number) => (inserted[index] === " " ? char : " "));
    at = end;
  }
  return { code, texts };
}

/** The declarations of the outermost level that are `package`, `public` or `open`, in order. */
export function swiftDeclarations(source: string): SwiftDeclaration[] {
  const { code } = splitSwift(source);
  const pattern =
    /^(?:package|public|open) (?:final |nonisolated\(unsafe\) |indirect )*(func|let|var|struct|class|enum|typealias|protocol) (\w+)/gm;
  return [...code.matchAll(pattern)].map((match) => {
    const kind = match[1] as SwiftDeclaration["kind"];
    const from = match.index + match[0].length;
    const body = kind === "struct" || kind === "class" || kind === "enum" ? blockAt(code, from) : "";
    return {
      kind,
      name: match[2] ?? "",
      line: code.slice(0, match.index).split("\n").length,
      parameters: kind === "func" ? parameterNames(parenthesised(code, code.indexOf("(", from))) : [],
      fields: fieldNames(body),
      cases: kind === "enum" ? enumCases(body) : [],
    };
  });
}

/** What stands between a parenthesis and the one that closes it. */
export function parenthesised(code: string, open: number): string {
  let depth = 0;
  for (let at = open; at < code.length; at += 1) {
    if ("([{".includes(code[at] ?? "")) depth += 1;
    if (")]}".includes(code[at] ?? "")) depth -= 1;
    if (depth === 0) return code.slice(open + 1, at);
  }
  return "";
}

/** The parts of a list between its outermost commas. */
export function listParts(text: string, separator = ","): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const char = text[at] ?? separator;
    if ("([{<".includes(char)) depth += 1;
    if (")]}".includes(char) || (char === ">" && text[at - 1] !== "-" && text[at - 1] !== "=")) depth -= 1;
    if (char !== separator || (depth > 0 && at < text.length)) continue;
    const part = text.slice(start, at).trim();
    if (part !== "") parts.push(part);
    start = at + 1;
  }
  return parts;
}

function parameterNames(list: string): string[] {
  return listParts(list).map((part) => /^(?:_ )?(\w+)/.exec(part)?.[1] ?? part);
}

function fieldNames(body: string): string[] {
  const names: string[] = [];
  for (const line of outermostLines(body)) {
    const found =
      /^(?:(?:@exclusivity\(unchecked\)|package|public|private\(set\)|package private\(set\)|weak|unowned) )*(?:let|var) (`?\w+`?)(.*)$/.exec(
        line,
      );
    // A property with a body of its own stores nothing.
    if (found !== null && !/\{\s*$|\{.*\}\s*$/.test(found[2] ?? "")) names.push((found[1] ?? "").replaceAll("`", ""));
  }
  return names;
}

function enumCases(body: string): SwiftDeclaration["cases"] {
  const cases: SwiftDeclaration["cases"] = [];
  for (const line of outermostLines(body)) {
    if (!line.startsWith("case ")) continue;
    for (const part of listParts(line.slice(5))) {
      const name = /^`?(\w+)`?/.exec(part)?.[1] ?? "";
      const raw = /= "([^"]*)"/.exec(part)?.[1] ?? name;
      const open = part.indexOf("(");
      const labels = open < 0 ? [] : parameterNames(parenthesised(part, open));
      cases.push({ name, raw, labels });
    }
  }
  return cases;
}

/** The lines of a block that stand in no inner block, each with its own inner lists joined to it. */
function outermostLines(body: string): string[] {
  const lines: string[] = [];
  let depth = 0;
  let line = "";
  for (const char of body) {
    if ("([{".includes(char)) depth += 1;
    if (")]}".includes(char)) depth -= 1;
    if (char === "\n" && depth === 0) {
      lines.push(line.trim());
      line = "";
    } else {
      line += char === "\n" ? " " : char;
    }
  }
  return [...lines, line.trim()].filter((text) => text !== "");
}

/** What stands in the braces that open next. */
function blockAt(code: string, from: number): string {
  return parenthesised(code, code.indexOf("{", from));
}

/** Where the comment that begins here ends; here when none does. Block comments nest. */
function commentEnd(source: string, at: number): number {
  if (source.startsWith("//", at)) {
    const end = source.indexOf("\n", at);
    return end < 0 ? source.length : end;
  }
  if (!source.startsWith("/*", at)) return at;
  let depth = 0;
  let end = at;
  do {
    if (source.startsWith("/*", end)) depth += 1;
    if (source.startsWith("*/", end)) depth -= 1;
    end += source.startsWith("/*", end) || source.startsWith("*/", end) ? 2 : 1;
  } while (depth > 0 && end < source.length);
  return end;
}

function textEnd(source: string, at: number): number {
  if (source.startsWith('"""', at)) {
    const end = source.indexOf('"""', at + 3);
    return end < 0 ? source.length : end + 3;
  }
  let end = at + 1;
  while (end < source.length && source[end] !== '"' && source[end] !== "\n") {
    if (source.startsWith("\\(", end)) end += parenthesised(source, end + 1).length + 3;
    else end += source[end] === "\\" ? 2 : 1;
  }
  return end + 1;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** What a text puts in by `\(…)`; the rest of it blanked. */
function insertedCode(text: string): string {
  let code = "";
  let at = 0;
  while (at < text.length) {
    const inserted = text.startsWith("\\(", at) ? parenthesised(text, at + 1) : "";
    const length = inserted === "" ? (text[at] === "\\" ? 2 : 1) : inserted.length + 3;
    code += inserted === "" ? blank(text.slice(at, at + length)) : `  ${inserted} `;
    at += length;
  }
  return code;
}
