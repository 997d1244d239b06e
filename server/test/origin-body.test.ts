import zlib from "node:zlib";
import t from "tap";
import { type ContentDecoder, decodeContent } from "../edge/origin-body.ts";
import type { OriginFailure } from "../edge/origin-failure.ts";
import { patternBytes } from "./support/raw-origin.ts";

// A decoder that never ends is a failure too, and a quick one.
t.setTimeout(60_000);

type Decoded = { body: Buffer; failure: OriginFailure | null; dones: number };

/** Feeds a body in pieces of the given size and resolves once done was called and the loop has turned again. */
function decode(encoding: string, body: Buffer, pieceBytes: number, maxBytes: number): Promise<Decoded> {
  const pieces: Buffer[] = [];
  return new Promise((resolve) => {
    let dones = 0;
    const decoder: ContentDecoder = decodeContent(encoding, maxBytes, {
      onData: (bytes) => pieces.push(dones > 0 ? Buffer.from("LATE") : bytes),
      onDone: (failure) => {
        dones += 1;
        setImmediate(() => resolve({ body: Buffer.concat(pieces), failure, dones }));
      },
    });
    for (let at = 0; at < body.length; at += pieceBytes) decoder.feed(body.subarray(at, at + pieceBytes));
    decoder.end();
  });
}

const text = Buffer.from(`#EXTM3U\r\n${"#EXTINF:6.006,\r\nsegment-\u00e9.ts\r\n".repeat(2_000)}`);
const packed: [string, Buffer][] = [
  ["gzip", zlib.gzipSync(text)],
  ["x-gzip", zlib.gzipSync(text)],
  ["GZip", zlib.gzipSync(text)],
  ["br", zlib.brotliCompressSync(text)],
  ["deflate", zlib.deflateSync(text)],
  ["deflate", zlib.deflateRawSync(text)],
  ["identity", text],
  ["", text],
];

t.test("every coding asked for is undone, in pieces of any size (R-ORIGIN-17)", async (t) => {
  for (const [encoding, body] of packed) {
    for (const pieceBytes of [1, 7, 65_536]) {
      const done = await decode(encoding, body, pieceBytes, 8_000_000);
      t.equal(done.failure, null, `${encoding} in pieces of ${pieceBytes}`);
      t.equal(done.dones, 1);
      t.ok(done.body.equals(text));
    }
  }
});

t.test("an empty body is an empty body in every coding (R-ORIGIN-17)", async (t) => {
  for (const encoding of ["gzip", "br", "deflate", "identity", ""]) {
    const done = await decode(encoding, Buffer.alloc(0), 1, 100);
    t.same([done.failure, done.body.length, done.dones], [null, 0, 1], encoding);
  }
});

t.test("corrupt, cut and unknown codings are upstream-protocol (R-ORIGIN-17)", async (t) => {
  const good = zlib.gzipSync(patternBytes(0, 5_000));
  const flipped = Buffer.from(good);
  flipped[good.length - 5] = (flipped[good.length - 5] ?? 0) ^ 1;
  const cases: [string, Buffer][] = [
    ["gzip", good.subarray(0, good.length - 9)],
    ["gzip", good.subarray(0, 1)],
    ["gzip", flipped],
    ["gzip", text],
    ["br", text],
    ["deflate", Buffer.from([0x78, 0x9c, 0xff, 0xff, 0xff])],
    ["zstd", text],
    ["gzip, br", good],
  ];
  for (const [encoding, body] of cases) {
    const done = await decode(encoding, body, 1_000, 8_000_000);
    t.equal(done.failure?.code, "upstream-protocol", encoding);
    t.equal(done.dones, 1);
  }
});

t.test("output beyond the bound stops the decoder, output at the bound does not (R-ORIGIN-18)", async (t) => {
  for (const [encoding, body] of packed) {
    t.equal((await decode(encoding, body, 1_000, text.length)).failure, null, encoding);
    const over = await decode(encoding, body, 1_000, text.length - 1);
    t.equal(over.failure?.code, "playlist-too-large", encoding);
    t.equal(over.dones, 1);
  }
  const bomb = zlib.gzipSync(Buffer.alloc(50_000_000));
  const done = await decode("gzip", bomb, bomb.length, 100_000);
  t.equal(done.failure?.code, "playlist-too-large");
  t.ok(done.body.length <= 100_000);
});

t.test("input beyond the bound stops the decoder too (R-ORIGIN-18)", async (t) => {
  // Empty stored blocks of deflate: endless input without any output.
  const empty = Buffer.alloc(500_000);
  for (let at = 0; at < empty.length; at += 5) empty.writeUInt16LE(0xffff, at + 3);
  const done = await decode("deflate", empty, 50_000, 100_000);
  t.equal(done.failure?.code, "playlist-too-large");
});

t.test("nothing is heard of an aborted decoder (R-ORIGIN-17)", async (t) => {
  let events = 0;
  const decoder = decodeContent("gzip", 8_000_000, { onData: () => (events += 1), onDone: () => (events += 1) });
  decoder.feed(zlib.gzipSync(text));
  decoder.abort();
  decoder.end();
  // A second decoder with the same work behind the first is the clock.
  await decode("gzip", zlib.gzipSync(text), 1_000, 8_000_000);
  t.equal(events, 0);
});
