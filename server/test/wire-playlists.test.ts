/** Playlists on the wire: rewritten at serve, whole, never frozen, usable offline (SPEC: R-PL, R-FRESH). */
import { brotliCompressSync, gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { type Ask, askOnce, field, RawPlayer, type WireResponse } from "./support/raw-player.ts";
import {
  type Bench,
  barrier,
  bench,
  bodyFault,
  headText,
  isHit,
  outcome,
  playlist,
  problemType,
  type RawConnection,
  type RawRequest,
  rawField,
  segment,
  serve,
  until,
} from "./support/wire-bench.ts";

const vod = [
  "#EXTM3U",
  "#EXT-X-VERSION:7",
  "#EXT-X-TARGETDURATION:4",
  "#EXT-X-PLAYLIST-TYPE:VOD",
  '#EXT-X-KEY:METHOD=AES-128,URI="keys/k1.key",IV=0x1',
  '#EXT-X-MAP:URI="init.mp4"',
  "#EXTINF:4.00000, title with  two spaces",
  "seg0.m4s",
  "",
  "# a comment",
  "#EXTINF:3.9,",
  "../up/seg1.m4s?sig=a%2Bb&x=~",
  "#EXT-X-ENDLIST",
];

function live(sequence: number, targetSeconds: number): string {
  return `#EXTM3U\n#EXT-X-TARGETDURATION:${targetSeconds}\n#EXT-X-MEDIA-SEQUENCE:${sequence}\n#EXTINF:1,\ns${sequence}.ts\n`;
}

/** The upstream URL behind a line of a rewritten playlist, however it is written. */
function upstreamOf(line: string, port: number, target: string): string {
  const absolute = new URL(line, `http://127.0.0.1:${port}${target}`);
  const query = absolute.searchParams.get("url");
  return query ?? `${absolute.pathname.slice(1).replace("/", "://")}${absolute.search}`;
}

function textOf(response: WireResponse): string {
  return response.body.toString("latin1");
}

async function only(t: Test, text: string): Promise<Bench> {
  return bench(t, (request, connection) => serve(connection, request, playlist(text)));
}

for (const ending of ["\n", "\r\n"]) {
  t.test(`only URIs change, every other byte stays (${JSON.stringify(ending)})`, async (t) => {
    const original = vod.join(ending) + ending;
    const on = await only(t, original);
    for (const target of [on.query("/a/b/index.m3u8"), on.path("/a/b/index.m3u8")]) {
      for (const when of ["cold", "warm"]) {
        const response = await askOnce(on.port, target);
        t.equal(response.status, 200, when);
        t.equal(field(response, "content-type"), "application/vnd.apple.mpegurl", when);
        t.equal(field(response, "content-length"), String(response.body.length), `${when}: its own length`);
        const lines = textOf(response).split(ending);
        const back = lines.map((line, at) => {
          if (line === vod[at] || at >= vod.length) return line;
          const quoted = /^(#.*URI=")([^"]*)(".*)$/.exec(line);
          const uri = upstreamOf(quoted?.[2] ?? line, on.port, target);
          const relative = uri.replace(`${on.origin.url}/a/b/`, "").replace(`${on.origin.url}/a/`, "../");
          return quoted === null ? relative : `${quoted[1]}${relative}${quoted[3]}`;
        });
        t.equal(back.join(ending), original, `${when}: mapping the URIs back gives the original`);
        t.equal(lines.filter((line, at) => line !== vod[at] && at < vod.length).length, 4, `${when}: four URIs`);
      }
    }
    t.equal(on.origin.requests.length, 1, "one request for all of it");
  });
}

t.test("a playlist behind a URL without .m3u8 is one, and .m3u8 in a segment's query makes none", async (t) => {
  const text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg.ts\n#EXT-X-ENDLIST\n";
  const raw = segment(3000);
  const on = await bench(t, (request, connection) => {
    if (request.target.startsWith("/playlist")) return serve(connection, request, playlist(text));
    if (request.target.startsWith("/fake"))
      return serve(connection, request, { ...playlist("just text"), type: "text/plain" });
    return serve(connection, request, raw);
  });
  t.match(textOf(await on.ask("/playlist?token=1")), /proxy\?url=/);
  t.equal(bodyFault((await on.ask("/seg.ts?from=index.m3u8")).body, raw.body), "");
  t.equal(textOf(await on.ask("/fake.m3u8")), "just text", "what does not begin with #EXTM3U is passed on untouched");
});

t.test("Range and conditions on a playlist are never sent upstream, and the answer is whole", async (t) => {
  const text = `${vod.join("\n")}\n`;
  const on = await only(t, text);
  for (const range of ["bytes=0-", "bytes=0-1", "bytes=0-1445", "bytes=-10", "bytes=99999999-"]) {
    const response = await on.ask("/index.m3u8", { fields: ["Range", range] });
    t.equal(response.status, 200, range);
    t.match(textOf(response), /#EXT-X-ENDLIST\n$/, `${range}: to its end`);
  }
  for (const request of on.origin.requests) {
    t.equal(rawField(request.fields, "Range"), null, "no Range");
    t.equal(rawField(request.fields, "If-Range"), null, "no If-Range");
  }
});

t.test("compressed playlists are decoded, and cut ones are failures", async (t) => {
  const text = `${vod.join("\n")}\n`;
  for (const coding of ["gzip", "br"] as const) {
    const packed = coding === "gzip" ? gzipSync(text) : brotliCompressSync(text);
    const on = await bench(t, (request, connection) => {
      const cut = request.target.includes("cut");
      const body = cut ? packed.subarray(0, packed.length - 12) : packed;
      const fields = [
        "Content-Type",
        "application/x-mpegURL",
        "Content-Encoding",
        coding,
        "Content-Length",
        String(body.length),
      ];
      void connection.write(headText(200, "OK", fields));
      return connection.write(body);
    });
    const response = await on.ask("/index.m3u8", { fields: ["Accept-Encoding", "gzip"] });
    t.equal(response.status, 200, coding);
    t.equal(field(response, "content-encoding"), null, "decoded");
    t.equal(field(response, "content-length"), String(response.body.length));
    t.match(textOf(response), /seg0\.m4s[\s\S]*#EXT-X-ENDLIST\n$/);
    const cut = await outcome(on.ask("/cut.m3u8"));
    t.match(cut, { status: 502 }, `${coding}, cut: 502, since nothing was promised yet`);
  }
});

t.test("relative URIs resolve against the address after the redirect, cold and warm", async (t) => {
  const on = await bench(t, (request, connection) => {
    if (request.target.startsWith("/old/")) {
      const fields = ["Location", "../new/deep/index.m3u8?v=2", "Content-Length", "0"];
      return connection.write(headText(302, "Found", fields));
    }
    return serve(connection, request, playlist(`${vod.join("\n")}\n`));
  });
  for (const target of [on.query("/old/index.m3u8"), on.path("/old/index.m3u8")]) {
    for (const when of ["cold", "warm"]) {
      const response = await askOnce(on.port, target);
      t.equal(response.status, 200, when);
      const line = textOf(response).split("\n")[7] ?? "";
      t.equal(upstreamOf(line, on.port, target), `${on.origin.url}/new/deep/seg0.m4s`, when);
    }
  }
});

t.test("schemes that are not http pass by untouched", async (t) => {
  const keys = ["skd://key-1", "data:text/plain;base64,AAAA", "urn:uuid:1"];
  const text = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${keys.map((key) => `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="${key}"\n`).join("")}#EXT-X-ENDLIST\n`;
  const on = await only(t, text);
  t.equal(textOf(await on.ask("/index.m3u8")), text);
});

t.test("a live playlist is never frozen: the change is seen after half a target duration", async (t) => {
  let sequence = 1;
  const on = await bench(t, (request, connection) => serve(connection, request, playlist(live(sequence, 1), 3600)));
  t.match(textOf(await on.ask("/live.m3u8")), /s1\.ts/);
  sequence = 2;
  const changedAt = performance.now();
  let seenAfter = -1;
  // Asked over and over, as an impatient player would; max-age=3600 must not count.
  while (seenAfter < 0 && performance.now() - changedAt < 3000) {
    const text = textOf(await on.ask("/live.m3u8"));
    if (text.includes("s2.ts")) seenAfter = performance.now() - changedAt;
  }
  t.ok(seenAfter >= 0, "the change was seen");
  t.ok(seenAfter < 1000, `within a target duration: after ${Math.round(seenAfter)} ms`);
});

t.test("reloads at the same time are one request", async (t) => {
  let gate = barrier();
  let sequence = 1;
  const on = await bench(t, async (request, connection) => {
    await gate.wait();
    return serve(connection, request, playlist(live(sequence, 1)));
  });
  const round = async (number: number): Promise<void> => {
    const requests = on.origin.requests.length;
    const asked = Array.from({ length: 10 }, () => on.ask("/live.m3u8"));
    await on.origin.until(() => on.origin.requests.length > requests, "a request");
    gate.open();
    for (const response of await Promise.all(asked)) t.match(textOf(response), `s${number}.ts`);
    t.equal(on.origin.requests.length - requests, 1, `round ${number}: one request for ten players`);
  };
  await round(1);
  const loadedAt = performance.now();
  gate = barrier();
  sequence = 2;
  await until(() => performance.now() - loadedAt > 600, "half a target duration to pass");
  await round(2);
});

t.test("offline, VOD playlists are served stale and live ones are an honest 504", async (t) => {
  const multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nindex.m3u8\n";
  const on = await bench(t, (request, connection) => {
    if (request.target.startsWith("/live")) return serve(connection, request, playlist(live(1, 1)));
    const text = request.target.startsWith("/main") ? multivariant : `${vod.join("\n")}\n`;
    return serve(connection, request, playlist(text, 0));
  });
  const paths = ["/main.m3u8", "/index.m3u8"];
  const online = new Map<string, string>();
  for (const path of paths) online.set(path, textOf(await on.ask(path)));
  await on.ask("/live.m3u8");
  await on.origin.stop();
  for (const path of paths) {
    const response = await on.ask(path);
    t.equal(response.status, 200, path);
    t.equal(textOf(response), online.get(path), `${path}: as it was`);
    t.match(field(response, "cache-status"), /stale|offline|hit/, `${path}: and says so`);
  }
  const until504 = await lateLive(on);
  t.equal(until504.status, 504, "the live playlist");
  t.equal(problemType(until504), "urn:reelcache:error:offline");
  const missing = await on.ask("/never-seen.m3u8");
  t.ok(missing.status === 502 || missing.status === 504, `never seen: ${missing.status}`);
});

/** The live playlist once its half target duration (0.5 s) is over. */
async function lateLive(on: Bench): Promise<WireResponse> {
  const end = performance.now() + 5000;
  let response = await on.ask("/live.m3u8");
  while (response.status === 200 && performance.now() < end) response = await on.ask("/live.m3u8");
  return response;
}

t.test("a stale playlist is revalidated, and 304 renews it", async (t) => {
  const text = `${vod.join("\n")}\n`;
  const on = await bench(t, (request: RawRequest, connection: RawConnection) =>
    serve(connection, request, { ...playlist(text, 0), etag: '"p1"' }),
  );
  const cold = await on.ask("/index.m3u8");
  await until(() => on.server.stats().flights === 0, "the download to be over");
  const warm = await on.ask("/index.m3u8");
  t.equal(textOf(warm), textOf(cold));
  t.equal(on.origin.requests.length, 2, "max-age=0: asked again");
  t.equal(rawField(on.origin.requests[1]?.fields ?? [], "If-None-Match"), '"p1"', "with the validator");
});

t.test("what a playlist names comes back through the proxy and is what the origin has", async (t) => {
  const body = segment(20_000);
  const text = `${vod.join("\n")}\n`;
  const on = await bench(t, (request, connection) =>
    serve(connection, request, request.target.endsWith(".m3u8") ? playlist(text) : body),
  );
  for (const target of [on.query("/a/b/index.m3u8"), on.path("/a/b/index.m3u8")]) {
    const lines = textOf(await askOnce(on.port, target)).split("\n");
    const uris = lines.flatMap((line) =>
      line.startsWith("#") ? (/URI="([^"]*)"/.exec(line)?.[1] ?? []) : line === "" ? [] : [line],
    );
    t.equal(uris.length, 4);
    for (const uri of uris) {
      const absolute = new URL(uri, `http://127.0.0.1:${on.port}${target}`);
      const ask: Ask = { host: absolute.host };
      t.equal(bodyFault((await askOnce(on.port, absolute.pathname + absolute.search, ask)).body, body.body), "", uri);
    }
  }
  const targets = on.origin.requests.map((request) => request.target);
  t.same(targets, [
    "/a/b/index.m3u8",
    "/a/b/keys/k1.key",
    "/a/b/init.mp4",
    "/a/b/seg0.m4s",
    "/a/up/seg1.m4s?sig=a%2Bb&x=~",
  ]);
});

t.test("a query parameter that the player appends travels upstream", async (t) => {
  const on = await only(t, live(7, 1));
  const response = await askOnce(on.port, `${on.query("/live.m3u8?token=a%26b")}&_HLS_msn=8&_HLS_part=0`);
  t.equal(response.status, 200);
  t.equal(on.origin.requests[0]?.target, "/live.m3u8?token=a%26b&_HLS_msn=8&_HLS_part=0");
  t.notOk(isHit(response));
});

// R-SERVE-2
t.test("what only claims to be a playlist ends where it ends, warm as cold, and the connection goes on", async (t) => {
  const fake = { ...segment(5_000), type: "application/vnd.apple.mpegurl" };
  const on = await bench(t, (request, connection) => serve(connection, request, fake));
  await on.ask("/fake.m3u8");
  await on.origin.until(() => on.server.stats().flights === 0, "the bytes on disk");
  const player = await RawPlayer.connect(on.port);
  for (const time of [1, 2]) {
    const response = await player.ask(on.query("/fake.m3u8"));
    t.equal(bodyFault(response.body, fake.body), "", `time ${time} on one connection`);
  }
  player.abort();
});
