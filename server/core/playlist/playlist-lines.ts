/**
 * The lines and attribute lists of a playlist as offsets into its bytes, so that what is not replaced survives byte for
 * byte (rfc8216bis sections 4.1 and 4.2). Playlists are byte strings.
 *
 * *Content*: a line without its terminator (LF or CRLF) and without the white space around it.
 */

/** The playlist's lines with their terminators; joined they are the input. A byte order mark stays on the first line. */
export function splitLines(bytes: string): string[] {
  const lines: string[] = [];
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    lines.push(bytes.slice(start, next));
    start = next;
  }
  return lines;
}

/** The offset just past the terminator of the line that holds `start`. A lone CR is no terminator. */
export function lineNext(bytes: string, start: number): number {
  // R-PL-1
  const feed = bytes.indexOf("\n", start);
  return feed < 0 ? bytes.length : feed + 1;
}

/** The offset of a line's first content byte: past a byte order mark at 0, and past white space. */
export function contentStart(bytes: string, start: number, next: number): number {
  // R-PL-2
  let offset = start === 0 && bytes.startsWith(byteOrderMark) ? byteOrderMark.length : start;
  while (offset < next && isLineSpace(bytes.charCodeAt(offset))) {
    offset += 1;
  }
  return offset;
}

/** The offset just past a line's last content byte; equals `start` for an empty line. */
export function contentEnd(bytes: string, start: number, next: number): number {
  // R-PL-3
  let offset = next;
  while (offset > start && isLineSpace(bytes.charCodeAt(offset - 1))) {
    offset -= 1;
  }
  return offset;
}

/** U+FEFF in UTF-8, as bytes. */
export const byteOrderMark = "\u00ef\u00bb\u00bf";

/** One attribute: its name, and the offsets of its value without the quotes. */
export type Attribute = { name: string; valueStart: number; valueEnd: number; quoted: boolean };

/**
 * The attributes between two offsets, in order, repeated names included. Commas inside quotes separate nothing; white
 * space around names and values is not part of them; a name without "=" and a value whose quote never closes are left out.
 */
export function attributeList(bytes: string, start: number, end: number): Attribute[] {
  const attributes: Attribute[] = [];
  let offset = start;
  while (offset < end) {
    const nameStart = skipSeparators(bytes, offset, end);
    const nameEnd = nameStop(bytes, nameStart, end);
    if (nameEnd >= end || bytes.charCodeAt(nameEnd) === comma) {
      offset = nameEnd + 1;
      continue;
    }
    const valueAt = contentStart(bytes, nameEnd + 1, end);
    const quoted = valueAt < end && bytes.charCodeAt(valueAt) === quote;
    // R-PL-4
    const valueStop = quoted ? indexBefore(bytes, quote, valueAt + 1, end) : indexBefore(bytes, comma, valueAt, end);
    if (quoted && valueStop === end) {
      return attributes;
    }
    const name = bytes.slice(nameStart, contentEnd(bytes, nameStart, nameEnd));
    if (quoted) {
      attributes.push({ name, valueStart: valueAt + 1, valueEnd: valueStop, quoted });
      offset = valueStop + 1;
    } else {
      attributes.push({ name, valueStart: valueAt, valueEnd: contentEnd(bytes, valueAt, valueStop), quoted });
      offset = valueStop + 1;
    }
  }
  return attributes;
}

/** The text of the first attribute of that name, without quotes; null when there is none. */
export function attributeText(bytes: string, attributes: Attribute[], name: string): string | null {
  for (const attribute of attributes) {
    if (attribute.name === name) {
      return bytes.slice(attribute.valueStart, attribute.valueEnd);
    }
  }
  return null;
}

const comma = 0x2c;
const quote = 0x22;
const equalsSign = 0x3d;

function isLineSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function skipSeparators(bytes: string, start: number, end: number): number {
  let offset = start;
  while (offset < end && (bytes.charCodeAt(offset) === comma || isLineSpace(bytes.charCodeAt(offset)))) {
    offset += 1;
  }
  return offset;
}

function nameStop(bytes: string, start: number, end: number): number {
  let offset = start;
  while (offset < end && bytes.charCodeAt(offset) !== equalsSign && bytes.charCodeAt(offset) !== comma) {
    offset += 1;
  }
  return offset;
}

/** The mark's offset, or `end` when it does not stand before `end`; never looks beyond, or many lines would cost a square. */
function indexBefore(bytes: string, mark: number, start: number, end: number): number {
  let offset = start;
  while (offset < end && bytes.charCodeAt(offset) !== mark) {
    offset += 1;
  }
  return offset < end ? offset : end;
}
