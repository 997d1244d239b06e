/**
 * Everything at once, seeded: players that come, seek, stall and leave, an origin that fails in every way. Whatever
 * completes must be right, nothing may leak, and in the end everything plays, also after a restart without the origin.
 */
import t, { type Test } from "tap";
import { field, RawPlayer, WireCut, type WireHead } from "./support/raw-player.ts";
import {
  type Bench,
  bench,
  bodyFault,
  headText,
  proxy,
  type RawConnection,
  type RawRequest,
  type Resource,
  seeded,
  segment,
  serve,
  until,
} from "./support/wire-bench.ts";

const resources: Resource[] = [1_000, 65_536, 300_000, 700_001, 1_500_000, 3_000_000].map((size, at) =>
  segment(size, at * 11),
);
const limits = {
  headSilenceMs: 300,
  bodySilenceMs: 300,
  resumeBackoffMs: 5,
  breakerFailures: 1_000,
  seekBytesMin: 400_000,
};

function resourceOf(target: string): Resource {
  const resource = resources[Number(/\d+/.exec(target)?.[0])];
  if (resource === undefined) throw new Error(`no resource ${target}`);
  return resource;
}

/** One bad answer of many kinds. */
async function misbehave(
  random: (bound: number) => number,
  request: RawRequest,
  connection: RawConnection,
): Promise<void> {
  const resource = resourceOf(request.target);
  switch (random(6)) {
    case 0:
      return connection.reset();
    case 1:
      await connection.write(headText(503, "Busy", ["Content-Length", "4"]));
      await connection.write("busy");
      return;
    case 2:
      // Silence; the proxy gives up.
      return;
    case 3:
      await connection.write("HTTP/1.1 2");
      return connection.end();
    default: {
      const start = Number(/bytes=(\d+)-/i.exec(request.head)?.[1] ?? 0);
      const size = resource.body.length;
      if (start >= size) return connection.reset();
      const fields = [
        "Content-Type",
        resource.type,
        "ETag",
        resource.etag ?? "",
        "Content-Length",
        String(size - start),
      ];
      const asked = /range: bytes=(\d+)-(\d*)/i.exec(request.head);
      if (asked !== null && asked[2] !== "") return connection.reset();
      if (asked !== null) fields.push("Content-Range", `bytes ${start}-${size - 1}/${size}`);
      await connection.write(headText(asked === null ? 200 : 206, "OK", fields));
      await connection.write(resource.body.subarray(start, start + random(size - start)));
      if (random(2) === 0) connection.end();
      else connection.reset();
    }
  }
}

type Tally = { complete: number; cut: number; refused: number; left: number; wrong: string[] };

/** What the head promises of the resource. */
function promised(head: WireHead, resource: Resource): Buffer {
  const range = /^bytes (\d+)-(\d+)\//.exec(field(head, "content-range") ?? "");
  return range === null ? resource.body : resource.body.subarray(Number(range[1]), Number(range[2]) + 1);
}

/** One player: a request, read to the end or not. */
async function play(on: Bench, random: (bound: number) => number, tally: Tally): Promise<void> {
  const index = random(resources.length);
  const resource = resources[index] ?? segment(0);
  const size = resource.body.length;
  const start = random(size);
  const ranges = [
    [],
    ["Range", `bytes=${start}-`],
    ["Range", `bytes=${start}-${start + random(200_000)}`],
    ["Range", "bytes=0-1"],
  ];
  const player = await RawPlayer.connect(on.port);
  try {
    const head = await player.open(on.query(`/${index}.ts`), { fields: ranges[random(4)] ?? [] });
    if (head.status !== 200 && head.status !== 206) {
      tally.refused += 1;
      return;
    }
    if (random(4) === 0) {
      await player.take(random(size));
      tally.left += 1;
      return;
    }
    const body = await player.rest();
    const fault = bodyFault(body, promised(head, resource));
    if (fault === "") tally.complete += 1;
    else tally.wrong.push(`/${index}.ts ${head.status}: ${fault}`);
  } catch (error) {
    if (!(error instanceof WireCut)) throw error;
    tally.cut += 1;
  } finally {
    if (random(2) === 0) player.abort();
    else player.reset();
  }
}

async function chaos(t: Test, seed: number): Promise<void> {
  const random = seeded(seed);
  let well = false;
  const handler = (request: RawRequest, connection: RawConnection): unknown => {
    if (!well && random(3) === 0) return misbehave(random, request, connection);
    return serve(connection, request, resourceOf(request.target));
  };
  const on = await bench(t, handler, { limits });
  const tally: Tally = { complete: 0, cut: 0, refused: 0, left: 0, wrong: [] };
  for (let round = 0; round < 12; round += 1) {
    await Promise.all(Array.from({ length: 16 }, () => play(on, random, tally)));
    if (round === 5) await on.server.clearCache();
  }
  t.comment(`${tally.complete} complete, ${tally.cut} cut, ${tally.refused} refused, ${tally.left} left early`);
  t.same(tally.wrong, [], "nothing that completed was wrong");
  t.ok(tally.complete > 60, `${tally.complete} of 192 completed`);
  well = true;
  for (const [index, resource] of resources.entries()) {
    const response = await on.ask(`/${index}.ts`);
    t.equal(response.status, 200, `/${index}.ts with the origin well`);
    t.equal(bodyFault(response.body, resource.body), "", `/${index}.ts with the origin well`);
  }
  await until(() => on.server.stats().flights === 0 && on.server.stats().exchanges === 0, "all transfers to end");
  const { lanes } = on.server.stats();
  t.same(lanes.running, { express: 0, held: 0, regular: 0, background: 0 }, "no slot is lost");
  t.equal(lanes.extra, 0, "no extra slot is lost");
  t.same(lanes.waiting, { express: 0, held: 0, regular: 0, background: 0 }, "nobody waits");
  await on.server.stop();
  await on.origin.stop();
  const again = await proxy(t, { cacheDir: on.cacheDir });
  for (const [index, resource] of resources.entries()) {
    const player = await RawPlayer.connect(again.port);
    const response = await player.ask(on.query(`/${index}.ts`));
    t.equal(response.status, 200, `/${index}.ts after a restart, without the origin`);
    t.equal(bodyFault(response.body, resource.body), "", `/${index}.ts after a restart, without the origin`);
    player.abort();
  }
}

for (const seed of [3, 1917, 20_261_120]) t.test(`players and origin misbehave (seed ${seed})`, (t) => chaos(t, seed));
