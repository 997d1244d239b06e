/** First inputs of the fuzz targets, made of the fixtures: a fuzzer that begins with real ones gets further sooner. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type FuzzTarget = "request" | "range" | "playlist" | "index";

type Vectors = { cases: { call: string; args: unknown[] }[] };

/** Writes a target's seeds, one a file, into an empty folder. `fixtures` is the fixtures' folder. */
export function writeSeeds(target: FuzzTarget, fixtures: string, folder: string): number {
  mkdirSync(folder, { recursive: true });
  const seeds = makers[target](fixtures);
  for (const [at, seed] of seeds.entries()) {
    writeFileSync(join(folder, `seed-${String(at).padStart(4, "0")}`), seed, "latin1");
  }
  return seeds.length;
}

const makers: Record<FuzzTarget, (fixtures: string) => string[]> = {
  request: requestSeeds,
  range: rangeSeeds,
  playlist: playlistSeeds,
  index: indexSeeds,
};

/** A byte that chooses how the bytes are cut, then a player's bytes. */
function requestSeeds(fixtures: string): string[] {
  const odd = JSON.parse(read(join(fixtures, "requests", "odd-requests.json"))) as { bytes: unknown }[];
  const written = filesOf(join(fixtures, "recordings"), "case.json").flatMap((path) =>
    [...read(path).matchAll(/"do":\s*"write"[^}]*?"bytes":\s*("(?:[^"\\]|\\.)*")/g)].map((match) =>
      String(JSON.parse(match[1] ?? '""')),
    ),
  );
  const targets = textsOf(fixtures, "request-target", ["parseTarget"]).map(
    (target) => `GET ${target} HTTP/1.1\r\nHost: {host}\r\nRange: bytes=0-1\r\n\r\n`,
  );
  // Those of pieces are about size.
  const short = odd.map(({ bytes }) => bytes).filter((bytes) => typeof bytes === "string");
  return distinct([...short, ...written, ...targets])
    .map((text) => text.replaceAll(/\{query:([^}]*)\}/g, "/proxy?url=http%3A%2F%2Fo.example$1"))
    .map((text) => text.replaceAll(/\{path:([^}]*)\}/g, "/http/o.example$1").replaceAll("{host}", "127.0.0.1:9000"))
    .filter((text) => text.length < 2_000)
    .map((text, at) => String.fromCharCode(at % 256) + text);
}

/** A length in eight bytes, then a field. */
function rangeSeeds(fixtures: string): string[] {
  const lengths = ["\0\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\n", "\0\0\0\0\0\x01\0\0", "\0\x1f\xff\xff\xff\xff\xff\xff"];
  return textsOf(fixtures, "byte-range", ["parseRange", "parseContentRange"]).map(
    (text, at) => (lengths[at % lengths.length] ?? "") + text,
  );
}

/** A byte that chooses form and base, then a playlist. */
function playlistSeeds(fixtures: string): string[] {
  const modules = [
    "playlist-rewrite",
    "playlist-kind",
    "playlist-lines",
    "playlist-resources",
    "uri-places",
    "playlist-variables",
    "json-scan",
    "json-rewrite",
  ];
  const vectors = modules.flatMap((module) => textsOf(fixtures, module, null));
  const media = filesOf(join(fixtures, "media"), ".m3u8").map(read);
  return distinct([...vectors, ...media])
    .filter((text) => text.length < 8_000)
    .map((text, at) => String.fromCharCode((at * 37) % 256) + text);
}

/** Choices as IndexTarget.swift reads them: the files' sizes; then a kind of row and its values. */
function indexSeeds(): string[] {
  const entry = (id: number, ...changes: string[]): string =>
    `\0${String.fromCharCode(id, changes.length)}${changes.join("")}`;
  const column = (at: number, value: string): string => String.fromCharCode(at) + value;
  const text = (value: string): string => `\x07${String.fromCharCode(value.length)}${value}`;
  const small = (value: number): string => `\x02${String.fromCharCode(value)}`;
  const span = (id: number, start: number, end: number): string => `\x02${small(id)}${small(start)}${small(end)}`;
  const large = "\x04\x02";
  const files = "\xff";
  const kinds = ["media", "multivariant", "vod", "event", "live"];
  const fields = ['["Cache-Control","max-age=5"]', '["Date","Sun, 06 Nov 1994 08:49:37 GMT"]', '["Content-Type","a"]'];
  return [
    files + entry(1) + span(1, 0, 100),
    files + entry(1) + entry(2) + span(1, 0, 9) + span(1, 9, 20) + span(1, 30, 40) + span(2, 5, 7),
    `\x1b${entry(1)}${entry(2)}${entry(3)}${span(1, 0, 100)}${span(2, 0, 100)}${span(3, 0, 100)}`,
    ...kinds.map((kind) => files + entry(1, column(4, text(kind))) + span(1, 0, 100)),
    ...fields.map((value) => files + entry(1, column(5, text(value)), column(6, small(100))) + span(1, 0, 100)),
    ...[0, 6, 7, 8, 9, 10, 11].map((at) => files + entry(1, column(at, large)) + span(1, 0, 100)),
    files + entry(1, column(6, "\x01\xff\xff\xff\xff\xff\xff\xff\xff")) + span(1, 0, 100),
    files + entry(1, column(11, small(1)), column(6, small(0))),
    files + entry(1, column(2, text("http://[::1]:1/\xc3\xa9?a#b"))) + span(1, 0, 100),
    `${files + entry(1)}\x03${large}`,
    files + entry(1, column(8, "\0"), column(9, "\x05\x3f\xf0\0\0\0\0\0\0"), column(3, "\x06\x02ab")),
  ];
}

/** The texts that vectors of a module begin with, of some calls or all. */
function textsOf(fixtures: string, module: string, calls: string[] | null): string[] {
  const { cases } = JSON.parse(read(join(fixtures, "vectors", `${module}.json`))) as Vectors;
  const texts = cases.filter(({ call }) => calls === null || calls.includes(call)).map(({ args }) => args[0]);
  return distinct(texts.filter((text) => typeof text === "string"));
}

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}

function distinct(texts: string[]): string[] {
  return [...new Set(texts)];
}

function read(path: string): string {
  return readFileSync(path, "latin1");
}
