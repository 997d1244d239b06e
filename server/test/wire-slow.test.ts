/** A slow player slows nobody, costs no memory, and does not make the proxy download what nobody reads. */
import t, { type Test } from "tap";
import { RawPlayer, requestText } from "./support/raw-player.ts";
import {
  forkProxy,
  headText,
  type RawConnection,
  type RawOrigin,
  rawField,
  rawOrigin,
  scratch,
} from "./support/wire-bench.ts";

const total = 200_000_000;
/** A prime length, so that a body shifted by any power of two shows. */
const blockBytes = 65_521;
const block = Buffer.alloc(blockBytes, 0).map((_, at) => (at * 197 + (at >> 8) * 13) & 0xff);

/** Sends the blob from the asked byte on, waiting for the kernel: the origin's counter shows the back-pressure. */
async function sendBlob(connection: RawConnection, start: number): Promise<void> {
  let at = start;
  while (at < total) {
    const from = at % blockBytes;
    const size = Math.min(blockBytes - from, total - at);
    if (!(await connection.write(block.subarray(from, from + size)))) return;
    at += size;
  }
}

async function blobOrigin(t: Test): Promise<RawOrigin> {
  return rawOrigin(t, async (request, connection) => {
    const start = Number(/^bytes=(\d+)-/.exec(rawField(request.fields, "Range") ?? "")?.[1] ?? 0);
    const fields = ["Content-Type", "video/mp4", "ETag", '"blob"', "Content-Length", String(total - start)];
    if (start > 0) fields.push("Content-Range", `bytes ${start}-${total - 1}/${total}`);
    await connection.write(headText(start > 0 ? 206 : 200, "OK", fields));
    await sendBlob(connection, start);
  });
}

/** Checks pieces of the blob as they come, without keeping them. */
function blobReader(): { feed(piece: Buffer): void; at(): number; wrongAt(): number } {
  let at = 0;
  let wrongAt = -1;
  return {
    at: () => at,
    wrongAt: () => wrongAt,
    feed(piece) {
      let done = 0;
      while (done < piece.length) {
        const from = (at + done) % blockBytes;
        const size = Math.min(blockBytes - from, piece.length - done);
        const same = piece.compare(block, from, from + size, done, done + size) === 0;
        if (!same && wrongAt < 0) wrongAt = at + done;
        done += size;
      }
      at += piece.length;
    },
  };
}

async function drain(player: RawPlayer, reader: { feed(piece: Buffer): void }): Promise<void> {
  for (let piece = await player.piece(); piece !== null; piece = await player.piece()) reader.feed(piece);
}

/** Resolves once a count has not moved for `quietMs`: the only way to see that something has stopped. */
async function settled(count: () => number, quietMs: number): Promise<number> {
  let last = -1;
  while (count() !== last) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, quietMs));
  }
  return last;
}

t.test("one player pauses on a 200 MB file while another reads it at full speed", async (t) => {
  const origin = await blobOrigin(t);
  const limits = { readAheadBytesMax: 8_388_608, bodySilenceMs: 60_000 };
  const child = await forkProxy(t, { cacheDir: scratch(t), maxCacheBytes: 1_000_000_000, limits });
  const target = `/proxy?url=${encodeURIComponent(`${origin.url}/movie.mp4`)}`;
  const before = await child.memory();

  const slow = await RawPlayer.connect(child.port);
  const slowReader = blobReader();
  slow.send(requestText(child.port, target, {}));
  await slow.head();
  slowReader.feed(await slow.take(1_000_000));
  const sent = await settled(() => origin.bytesAccepted(), 400);
  // Besides the read-ahead: socket buffers of two loopback hops, four in all, which Linux lets grow to many megabytes each.
  t.ok(sent < total / 2, `while only the paused player reads, the origin sent ${sent} of ${total} bytes`);

  const fast = await RawPlayer.connect(child.port);
  const fastReader = blobReader();
  fast.send(requestText(child.port, target, {}));
  const head = await fast.head();
  t.equal(head.status, 200);
  await drain(fast, fastReader);
  t.equal(fastReader.at(), total, "the fast player has everything while the slow one is paused");
  t.equal(fastReader.wrongAt(), -1, "all its bytes are right");
  t.equal(origin.requests.length, 1, "both live on one download");

  await drain(slow, slowReader);
  t.equal(slowReader.at(), total, "the slow player gets everything afterwards");
  t.equal(slowReader.wrongAt(), -1, "all its bytes are right");
  const after = await child.memory();
  const mib = (bytes: number): number => Math.round(bytes / 1_048_576);
  t.comment(`resident: ${mib(before.now)} MiB before, ${mib(after.now)} MiB after, peak ${mib(after.peak)} MiB`);
  t.ok(
    after.peak - before.now < 157_286_400,
    `memory grew by at most ${mib(after.peak - before.now)} MiB for 400 MB moved`,
  );
  slow.abort();
  fast.abort();
});

t.test("a player that leaves a long file stops the download near where it was", async (t) => {
  const origin = await blobOrigin(t);
  const child = await forkProxy(t, { cacheDir: scratch(t), limits: { readAheadBytesMax: 4_194_304 } });
  const target = `/proxy?url=${encodeURIComponent(`${origin.url}/movie.mp4`)}`;
  const player = await RawPlayer.connect(child.port);
  await player.open(target);
  await player.take(2_000_000);
  player.reset();
  const sent = await settled(() => origin.bytesAccepted(), 300);
  t.ok(sent < 60_000_000, `the origin sent ${sent} of ${total} bytes`);
  const next = await RawPlayer.connect(child.port);
  const reader = blobReader();
  await next.open(target);
  await drain(next, reader);
  t.equal(reader.at(), total, "the next player gets everything");
  t.equal(reader.wrongAt(), -1, "all its bytes are right");
  const starts = origin.requests.map((request) =>
    Number(/bytes=(\d+)-/.exec(rawField(request.fields, "Range") ?? "")?.[1] ?? 0),
  );
  t.equal(
    starts.filter((start) => start === 0).length,
    1,
    `only the first request began at byte 0: ${starts.join(", ")}`,
  );
  next.abort();
});

t.test("players that stall on more files than there are slots do not stop the others", async (t) => {
  const origin = await blobOrigin(t);
  const limits = { slotsMax: 4, extraSlotsMax: 2, queueWaitMs: 250, readAheadBytesMax: 1_048_576 };
  const child = await forkProxy(t, { cacheDir: scratch(t), maxCacheBytes: 4_000_000_000, limits });
  const target = (name: string): string => `/proxy?url=${encodeURIComponent(`${origin.url}/${name}.mp4`)}`;
  const stalled: { player: RawPlayer; reader: ReturnType<typeof blobReader> }[] = [];
  for (let index = 0; index < 12; index += 1) {
    const player = await RawPlayer.connect(child.port);
    const reader = blobReader();
    stalled.push({ player, reader });
    const head = await player.open(target(`stalled${index}`));
    t.equal(head.status, 200, `player ${index} begins`);
    reader.feed(await player.take(100_000));
  }
  for (let index = 0; index < 8; index += 1) {
    const other = await RawPlayer.connect(child.port);
    const head = await other.open(target(`other${index}`), { fields: ["Range", "bytes=0-99999"] });
    t.ok(head.status === 206 || head.status === 200, `another player is served: ${head.status}`);
    await other.take(100_000);
    other.abort();
  }
  for (const { player, reader } of stalled.slice(0, 3)) {
    await drain(player, reader);
    t.equal(reader.at(), total, "a player that goes on gets everything");
    t.equal(reader.wrongAt(), -1, "and all of it right");
  }
  for (const { player } of stalled) player.abort();
});
