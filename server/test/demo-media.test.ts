import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, types } from "hls-parser";
import t from "tap";
import { demoPage, demoPagePaths } from "../demo/demo-page.ts";
import { demoSets } from "../demo/demo-sets.ts";

const mediaDir = fileURLToPath(new URL("../../fixtures/media", import.meta.url));
const files = readdirSync(mediaDir, { recursive: true, encoding: "utf8" }).filter((name) =>
  statSync(join(mediaDir, name)).isFile(),
);
const playlists = files.filter((name) => name.endsWith(".m3u8"));

/** Every URI in a playlist's text with the byte range that belongs to it, or null for the whole file. */
function uris(text: string): { uri: string; range: { offset: number; length: number } | null }[] {
  const found: { uri: string; range: { offset: number; length: number } | null }[] = [];
  let range: { offset: number; length: number } | null = null;
  const read = (value: string): { offset: number; length: number } => {
    const [length, offset] = value.split("@");
    return { offset: Number(offset), length: Number(length) };
  };
  for (const line of text.split("\n")) {
    const attribute = /[:,]URI="([^"]*)"/.exec(line)?.[1];
    const attributeRange = /BYTERANGE="([^"]*)"/.exec(line)?.[1];
    if (attribute) found.push({ uri: attribute, range: attributeRange ? read(attributeRange) : null });
    if (line.startsWith("#EXT-X-BYTERANGE:")) range = read(line.slice(17));
    if (line === "" || line.startsWith("#")) continue;
    found.push({ uri: line, range });
    range = null;
  }
  return found;
}

t.test("the media sets stay below 8 MB together", async (t) => {
  const bytes = files.reduce((sum, name) => sum + statSync(join(mediaDir, name)).size, 0);
  t.ok(bytes > 1_000_000, "the sets are there");
  t.ok(bytes < 8_000_000, `${bytes} bytes`);
});

t.test("an independent parser reads every playlist of the sets", async (t) => {
  t.equal(playlists.length, 17);
  for (const name of playlists) {
    const playlist = parse(readFileSync(join(mediaDir, name), "latin1"));
    if (playlist instanceof types.MasterPlaylist) t.ok(playlist.variants.length > 0, name);
    else t.ok(playlist.endlist && playlist.segments.length >= 5, name);
  }
});

t.test("every URI of every playlist names a file, and every byte range lies in it", async (t) => {
  for (const name of playlists) {
    for (const { uri, range } of uris(readFileSync(join(mediaDir, name), "latin1"))) {
      const size = statSync(join(mediaDir, dirname(name), uri)).size;
      if (range && !(range.offset + range.length <= size && range.length > 0)) t.fail(`${name}: ${uri}`);
    }
  }
});

t.test("byte ranges of a single-file set follow each other to the end of the file", async (t) => {
  for (const name of ["byterange-ts/index.m3u8", "byterange-fmp4/index.m3u8", "multivariant/iframes/index.m3u8"]) {
    let end = 0;
    let path = "";
    for (const { uri, range } of uris(readFileSync(join(mediaDir, name), "latin1"))) {
      t.equal(range?.offset, end, name);
      end += range?.length ?? 0;
      path = join(mediaDir, dirname(name), uri);
    }
    t.ok(end > 0.99 * statSync(path).size, "only the file's index may follow the last segment");
  }
});

t.test("the I-frame playlist gives ten key frames and nothing else", async (t) => {
  const path = join(mediaDir, "multivariant/iframes/index.m3u8");
  t.match(readFileSync(path, "latin1"), "#EXT-X-I-FRAMES-ONLY\n");
  const ask = ["-v", "error", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", path];
  const packets = execFileSync("ffprobe", ask, { encoding: "utf8" }).trim().split("\n");
  t.strictSame(
    packets,
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((second) => `${second}.000000,K_`),
  );
});

t.test(
  "BANDWIDTH covers the largest segments of variant and audio together, and CODECS is the file's own",
  async (t) => {
    const dir = join(mediaDir, "multivariant");
    const playlist = parse(readFileSync(join(dir, "index.m3u8"), "latin1"));
    if (!(playlist instanceof types.MasterPlaylist)) throw new Error("not multivariant");
    const peak = (path: string): number => {
      const media = parse(readFileSync(join(dir, path), "latin1"));
      if (media instanceof types.MasterPlaylist) throw new Error(`${path} is multivariant`);
      const rate = (uri: string, seconds: number): number =>
        (statSync(join(dir, dirname(path), uri)).size * 8) / seconds;
      return Math.max(...media.segments.map((segment) => rate(segment.uri, segment.duration)));
    };
    const audioPeak = Math.max(peak("audio/en/index.m3u8"), peak("audio/de/index.m3u8"));
    const variants = playlist.variants.filter((variant) => !variant.isIFrameOnly);
    t.equal(variants.length, 3);
    for (const variant of variants) {
      t.ok(variant.bandwidth >= peak(variant.uri) + audioPeak, `${variant.uri} is not above its BANDWIDTH`);
      t.ok(variant.bandwidth <= peak(variant.uri) + audioPeak + 2, `${variant.uri} is not below its BANDWIDTH`);
      const init = readFileSync(join(dir, dirname(variant.uri), "init.mp4"));
      const at = init.indexOf("avcC");
      t.equal(variant.codecs, `avc1.${init.subarray(at + 5, at + 8).toString("hex")},mp4a.40.2`);
      const header = init.indexOf("avc1", init.indexOf("stsd")) + 4;
      t.equal(variant.resolution?.width, init.readUInt16BE(header + 24));
      t.equal(variant.resolution?.height, init.readUInt16BE(header + 26));
    }
  },
);

t.test("the progressive movie has its moov box behind its media", async (t) => {
  const movie = readFileSync(join(mediaDir, "progressive/movie.mp4"));
  const order: string[] = [];
  for (let at = 0; at < movie.length; at += movie.readUInt32BE(at))
    order.push(movie.toString("latin1", at + 4, at + 8));
  t.ok(order.indexOf("moov") > order.indexOf("mdat") && order.includes("mdat"), order.join(" "));
});

t.test("the page lists every set with its proxied URL, and asks nobody else for anything", async (t) => {
  const sets = demoSets();
  const proxied = sets.map((set) => `http://127.0.0.1:9000/proxy?url=${encodeURIComponent(set.path)}`);
  for (const path of demoPagePaths) {
    const page = demoPage(path, sets, proxied);
    t.ok(page && page.body.length > 500, path);
    t.match(page?.contentType, path.endsWith(".css") ? "text/css" : path.endsWith(".js") ? "javascript" : "text/html");
    if (path === "/demo/hls.js") continue;
    const text = (page?.body.toString("utf8") ?? "").replaceAll("http://127.0.0.1:9000/proxy", "");
    t.notMatch(text, /https?:\/\//, `${path} names no other server`);
  }
  const html = demoPage("/demo/", sets, proxied)?.body.toString("utf8") ?? "";
  const list = JSON.parse(/<script id="sets"[^>]*>(.*?)<\/script>/s.exec(html)?.[1] ?? "") as { url: string }[];
  t.strictSame(
    list.map((item) => item.url),
    proxied,
  );
  t.equal(demoPage("/demo/other", sets, proxied), null);
});

t.test("a set's title cannot end the page's script element", async (t) => {
  const [set] = demoSets();
  if (!set) throw new Error("no sets");
  const title = "</script><script>alert(1)</script>$& []";
  const html = demoPage("/demo/", [{ ...set, title }], ["u"])?.body.toString("utf8") ?? "";
  t.notMatch(html, "alert(1)</script>");
  const list = JSON.parse(/<script id="sets"[^>]*>(.*?)<\/script>/s.exec(html)?.[1] ?? "") as { title: string }[];
  t.equal(list[0]?.title, title);
});
