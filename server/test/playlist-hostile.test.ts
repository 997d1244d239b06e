/** Playlists made to be slow: four megabytes of them cost as little as any others. */
import t from "tap";
import { rewriteJson } from "../core/playlist/json-rewrite.ts";
import { mediaTimeline } from "../core/playlist/media-timeline.ts";
import { playlistSummary } from "../core/playlist/playlist-kind.ts";
import { playlistResources } from "../core/playlist/playlist-resources.ts";
import { playlistStart, startGroups } from "../core/playlist/playlist-start.ts";
import { nameQueryParameters, plainPlaylist } from "../core/playlist/playlist-variables.ts";
import { preloadParts } from "../core/playlist/preload-parts.ts";
import { playablePresentation } from "../core/playlist/variant-choice.ts";
import { variantList } from "../core/playlist/variant-list.ts";
import { rewritten, variableSources } from "./support/rewriting.ts";

const size = 4_000_000;
const prefix = "http://127.0.0.1:9000";
const baseUrl = "https://a.example/v/index.m3u8?q=1";
const imports = Array.from({ length: 1_000 }, (_, index) => `i${index}:x`).join(",");
const long = `#EXT-X-DEFINE:NAME="a",VALUE="${"v".repeat(8_000)}"\n`;

/** What is repeated, and what once cost its square: seconds to minutes at this size. */
const hostile: [string, string][] = [
  ["tags without a colon", "#EXT\n"],
  ["attribute lists without a comma", "#EXT-X-KEY:A=1\n"],
  ["attributes of one hint", 'URI="a",'],
  ["initialization sections", '#EXT-X-MAP:URI="a",BYTERANGE="1@2"\n'],
  ["renditions", '#EXT-X-MEDIA:TYPE=AUDIO,URI="a"\n'],
  ["attributes of one date range", 'X-URI="a",'],
  ["variables that never close", "{$"],
  ["variables of one name", '#EXT-X-DEFINE:NAME="a",VALUE="{$a}"\n'],
  ["variables that double", '#EXT-X-DEFINE:NAME="0",VALUE="{$0}{$0}"\n'],
  ["variables from the query", '#EXT-X-DEFINE:QUERYPARAM="q"\n'],
  ["variables that nobody gives", '#EXT-X-DEFINE:IMPORT="z"\n'],
  ["references to a long value", "{$a}\n"],
  ["references to no value", "{$b}\n"],
  ["climbs of one reference", "../"],
  ["climbs back and forth", "a/../"],
  ["keys of ever new formats", '#EXT-X-KEY:METHOD=AES-128,KEYFORMAT="0",URI="0"\n#EXTINF:1,\ns\n'],
  ["variants and their groups", '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="0"\nv\n'],
  ["ranges one behind the other", "#EXTINF:1,\n#EXT-X-BYTERANGE:9\ns\n"],
];

for (const [name, piece] of hostile) {
  t.test(`${name} are read in one pass`, (t) => {
    const tag = piece.startsWith("URI") ? "#EXT-X-PRELOAD-HINT:" : piece.startsWith("X-URI") ? "#EXT-X-DATERANGE:" : "";
    const pieces = Array.from({ length: Math.floor(size / piece.length) }, (_, at) => numbered(piece, at));
    const text = `#EXTM3U\n${long}${tag}${pieces.join("")}\n`;
    // Time of the processor, which other processes cannot lengthen.
    const begun = process.cpuUsage();
    playlistSummary(text);
    const isTooLarge = rewritten(text, "path", prefix, baseUrl, imports) === "";
    if (!isTooLarge) playlistResources(text, baseUrl, variableSources(baseUrl, imports));
    playlistStart(`${text}#EXTINF:1,\ns.ts\n#EXT-X-ENDLIST\n`, baseUrl);
    startGroups(text, baseUrl);
    const tookMs = process.cpuUsage(begun).user / 1000;
    t.ok(tookMs < 2_000, `took ${Math.round(tookMs)} ms`);
    t.end();
  });
}

for (const [name, piece] of hostile) {
  t.test(`${name} are looked into in one pass`, (t) => {
    const pieces = Array.from({ length: Math.floor(size / piece.length) }, (_, at) => numbered(piece, at));
    const text = `#EXTM3U\n#EXT-X-BYTERANGE:9@0\n${pieces.join("")}\n#EXT-X-ENDLIST\n`;
    const begun = process.cpuUsage();
    preloadParts(mediaTimeline(text, baseUrl), { unit: "all", count: 0 }, 4_096);
    variantList(text, baseUrl);
    const plain = plainPlaylist(text, variableSources(baseUrl, imports), size);
    playablePresentation(plain, baseUrl, ["https://a.example/v/v"]);
    const tookMs = process.cpuUsage(begun).user / 1000;
    t.ok(tookMs < 3_000, `took ${Math.round(tookMs)} ms`);
    t.end();
  });
}

for (const [name, piece] of [
  ["assets", '{"URI":"a"},'],
  ["strings without escapes", '"URI",'],
  ["names", '"URI":"a","'],
  ["depths", "["],
  ["clones", '{"URI-REPLACEMENT":{"HOST":"a"}},'],
] as const) {
  t.test(`JSON of many ${name} is read in one pass`, (t) => {
    const context = { prefix, form: "query" as const, baseUrl, depthMax: 32, bytesMax: size, urisBytesMax: size * 20 };
    const many = piece.repeat(Math.floor(size / 4 / piece.length));
    const begun = process.cpuUsage();
    for (const as of ["asset-list", "steering"] as const) {
      const head = as === "steering" ? '{"PATHWAY-CLONES":[' : '{"ASSETS":[';
      rewriteJson(`${head}${many}0]}`, { ...context, own: { as, define: "" } });
    }
    const tookMs = process.cpuUsage(begun).user / 1000;
    t.ok(tookMs < 2_000, `took ${Math.round(tookMs)} ms`);
    t.end();
  });
}

t.test("what is put in the place of a query's variable or a clone's host is bounded", (t) => {
  const far = `https://a.example/index.m3u8?q=${"v".repeat(60_000)}`;
  const query = `#EXTM3U\n${'#EXT-X-DEFINE:QUERYPARAM="q"\n'.repeat(size / 40)}s\n`;
  const host = "h".repeat(size / 8);
  const clone = `{"PATHWAY-CLONES":[{"URI-REPLACEMENT":{"HOST":"${host}"${',"PARAMS":{}'.repeat(size / 96)}}}]}`;
  const own = { as: "steering" as const, define: "" };
  const bounds = { depthMax: 32, bytesMax: size, urisBytesMax: size * 20 };
  const begun = process.cpuUsage();
  const named = nameQueryParameters(query, far, 64);
  t.equal(rewriteJson(clone, { prefix, form: "query", baseUrl, own, ...bounds }), clone);
  const tookMs = process.cpuUsage(begun).user / 1000;
  t.ok(named.length < query.length + 64 * far.length, `${named.length} bytes`);
  t.ok(tookMs < 2_000, `took ${Math.round(tookMs)} ms`);
  t.end();
});

/** A piece that defines one variable by another, with the number of its place and of the place before. */
function numbered(piece: string, at: number): string {
  return piece
    .replaceAll("{$0}", `{$d${at - 1}}`)
    .replace('"0"', `"d${at}"`)
    .replace('"z"', `"z${at}"`);
}

t.test("a playlist whose URIs would grow beyond the bound is too large, and known as such soon", (t) => {
  const far = `https://a.example/${"d".repeat(16_000)}/index.m3u8`;
  const begun = process.cpuUsage();
  t.equal(rewritten(`#EXTM3U\n${"s\n".repeat(size / 2)}`, "query", prefix, far), "");
  t.equal(rewritten(`#EXTM3U\n${long}${"{$a}\n".repeat(size / 5)}`, "path", prefix, baseUrl), "");
  t.equal(rewritten(`#EXTM3U\n${long}${"skd:{$a}\n".repeat(size / 9)}`, "path", prefix, baseUrl), "");
  const tookMs = process.cpuUsage(begun).user / 1000;
  t.ok(tookMs < 2_000, `took ${Math.round(tookMs)} ms`);
  t.end();
});
