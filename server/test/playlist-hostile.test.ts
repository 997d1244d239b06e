/** Playlists made to be slow: four megabytes of them cost as little as any others. */
import t from "tap";
import { playlistSummary } from "../core/playlist/playlist-kind.ts";
import { rewritePlaylist } from "../core/playlist/playlist-rewrite.ts";
import { playlistStart, startGroups } from "../core/playlist/playlist-start.ts";

const size = 4_000_000;
const context = { prefix: "http://127.0.0.1:9000", form: "path" as const, baseUrl: "https://a.example/v/index.m3u8" };

/** What is repeated, and what once cost its square: seconds to minutes at this size. */
const hostile: [string, string][] = [
  ["tags without a colon", "#EXT\n"],
  ["attribute lists without a comma", "#EXT-X-KEY:A=1\n"],
  ["attributes of one hint", 'URI="a",'],
  ["initialization sections", '#EXT-X-MAP:URI="a",BYTERANGE="1@2"\n'],
  ["renditions", '#EXT-X-MEDIA:TYPE=AUDIO,URI="a"\n'],
  ["attributes of one date range", 'X-URI="a",'],
  ["variables that never close", "{$"],
  ["climbs of one reference", "../"],
  ["climbs back and forth", "a/../"],
];

for (const [name, piece] of hostile) {
  t.test(`${name} are read in one pass`, (t) => {
    const tag = piece.startsWith("URI") ? "#EXT-X-PRELOAD-HINT:" : piece.startsWith("X-URI") ? "#EXT-X-DATERANGE:" : "";
    const text = `#EXTM3U\n${tag}${piece.repeat(Math.floor(size / piece.length))}\n`;
    // Time of the processor, which other processes cannot lengthen.
    const begun = process.cpuUsage();
    playlistSummary(text);
    rewritePlaylist(text, context);
    playlistStart(`${text}#EXTINF:1,\ns.ts\n#EXT-X-ENDLIST\n`, context.baseUrl);
    startGroups(text, context.baseUrl);
    const tookMs = process.cpuUsage(begun).user / 1000;
    t.ok(tookMs < 2_000, `took ${Math.round(tookMs)} ms`);
    t.end();
  });
}
