/**
 * Places for figures in a document: what stands between the lines `<!-- figures: NAME -->` and
 * `<!-- end of figures: NAME -->` is written by commands, all else by people.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** Writes figures to their place in a file, which is made when it is not there. */
export function writePlace(file: string, name: string, figures: string): void {
  writeFileSync(file, placed(existsSync(file) ? readFileSync(file, "utf8") : "", name, figures));
}

/** Why figures have no place in a file, before anything is measured; null when they have. */
export function placeFault(file: string, name: string): string | null {
  if (!existsSync(file)) return null;
  const { begin, end, from, to } = placeIn(readFileSync(file, "utf8"), name);
  const none = begin === -1 && end === -1;
  return none || (begin !== -1 && begin < end) ? null : `${file} needs both ${from} and ${to}, in this order`;
}

/** A document with figures at their place; without a place, at its end. */
export function placed(document: string, name: string, figures: string): string {
  const { begin, end, from, to } = placeIn(document, name);
  if (begin === -1 || end < begin) return `${document}${from}\n\n${figures}\n${to}\n`;
  return `${document.slice(0, begin + from.length)}\n\n${figures}\n${document.slice(end)}`;
}

function placeIn(document: string, name: string): { begin: number; end: number; from: string; to: string } {
  const [from, to] = [`<!-- figures: ${name} -->`, `<!-- end of figures: ${name} -->`];
  return { begin: document.indexOf(from), end: document.indexOf(to), from, to };
}
