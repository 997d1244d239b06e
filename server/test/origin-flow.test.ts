import t from "tap";
import { fetchedBody, originFetch, testClient } from "./support/origin-fetch.ts";
import { barrier, patternBytes, type RawOrigin, rawOrigin, until } from "./support/raw-origin.ts";

// A transfer that never ends is a failure too, and a quick one.
t.setTimeout(60_000);

const simple = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

t.test("a paused transfer stalls an origin that writes 200 MB, and then completes (R-ORIGIN-19)", async (t) => {
  const total = 200_000_000;
  const piece = Buffer.alloc(100_000, 7);
  const origin = await rawOrigin(t, async (request, connection) => {
    const size = request.target === "/paused" ? total : 60_000_000;
    await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    for (let sent = 0; sent < size; sent += piece.length) if (!(await connection.write(piece))) return;
  });
  const client = testClient(t);
  let received = 0;
  const count = (fetched: { pieces: Buffer[] }): void => {
    for (const bytes of fetched.pieces.splice(0)) received += bytes.length;
  };
  const paused = originFetch(
    client,
    `${origin.url}/paused`,
    {},
    {
      onHead: (fetched) => fetched.transfer.pause(),
      onData: count,
    },
  );
  await until(() => paused.head !== null, "the head");
  // Another transfer of the same origin serves as the clock: 60 MB in full while the paused one stands.
  const other = await originFetch(
    client,
    `${origin.url}/other`,
    {},
    { onData: (fetched) => void fetched.pieces.splice(0) },
  ).over;
  t.equal(other.size, 60_000_000);
  const accepted = origin.connections[0]?.bytesAccepted ?? 0;
  t.ok(accepted < 20_000_000, `the origin's kernel took ${accepted} bytes`);
  t.ok(received <= 131_072, `${received} bytes arrived after the pause`);
  paused.transfer.resume();
  await paused.over;
  t.equal(paused.failure, null);
  t.equal(received, total);
});

t.test("pausing and resuming at every piece keeps every byte in order (R-ORIGIN-19)", async (t) => {
  const total = 3_000_000;
  const origin = await rawOrigin(t, async (_request, connection) => {
    await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    await connection.writePattern(0, total);
  });
  const client = testClient(t);
  const all = Array.from({ length: 3 }, () =>
    originFetch(
      client,
      origin.url,
      {},
      {
        onData: (fetched) => {
          fetched.transfer.pause();
          setImmediate(() => fetched.transfer.resume());
        },
      },
    ),
  );
  for (const one of all) t.ok(fetchedBody(await one.over).equals(patternBytes(0, total)));
});

t.test("resuming delivers no empty piece (R-ORIGIN-19)", async (t) => {
  const rest = barrier();
  const origin = await rawOrigin(t, async (_request, connection) => {
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await rest.wait();
    await connection.write("def");
  });
  const paused = originFetch(testClient(t), origin.url, {}, { onData: (fetched) => fetched.transfer.pause() });
  await until(() => paused.size === 3, "the first bytes");
  paused.transfer.resume();
  rest.open();
  await until(() => paused.size === 6, "the rest");
  paused.transfer.resume();
  await paused.over;
  t.same(
    paused.pieces.map((bytes) => bytes.toString()),
    ["abc", "def"],
  );
});

t.test("no event comes before start has returned (R-ORIGIN-23)", async (t) => {
  const client = testClient(t);
  for (const url of ["no url", "http://10.0.0.1/", "http://127.0.0.1:1/"]) {
    const fetched = originFetch(client, url);
    t.equal(fetched.story, "", url);
    await fetched.over;
    t.equal(fetched.story, "done");
  }
});

t.test("one transfer's event may resume, abort and start others (R-ORIGIN-23)", async (t) => {
  const origin = await rawOrigin(t, async (request, connection) => {
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    if (request.target !== "/victim") await connection.writePattern(0, 1_000_000);
  });
  const client = testClient(t);
  const victim = originFetch(client, `${origin.url}/victim`);
  const held = originFetch(client, `${origin.url}/held`, {}, { onHead: (fetched) => fetched.transfer.pause() });
  await until(() => held.head !== null && victim.head !== null, "both heads");
  let started: ReturnType<typeof originFetch> | undefined;
  const actor = originFetch(
    client,
    `${origin.url}/actor`,
    {},
    {
      onData: () => {
        held.transfer.resume();
        victim.transfer.abort();
        started ??= originFetch(client, `${origin.url}/started`);
      },
    },
  );
  await actor.over;
  await started?.over;
  await held.over;
  for (const one of [actor, held, started]) {
    t.equal(one?.failure, null);
    t.ok(fetchedBody(one ?? held).equals(patternBytes(0, 1_000_000)));
  }
  t.equal(victim.story, "head");
});

t.test("abort closes the connection at once and no event follows (R-ORIGIN-20)", async (t) => {
  const origin = await rawOrigin(t, async (request, connection) => {
    if (request.target === "/body") await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  });
  const client = testClient(t);
  const silent = originFetch(client, `${origin.url}/silent`);
  const body = originFetch(client, `${origin.url}/body`);
  const paused = originFetch(client, `${origin.url}/body`, {}, { onHead: (fetched) => fetched.transfer.pause() });
  const inHead = originFetch(client, `${origin.url}/body`, {}, { onHead: (fetched) => fetched.transfer.abort() });
  await until(() => body.size === 3 && paused.head !== null && inHead.head !== null, "the bodies began");
  await origin.until(() => origin.requests.length === 4, "all are asked");
  for (const one of [silent, body, paused]) one.transfer.abort();
  await Promise.all(origin.connections.map((connection) => connection.whenClosed));
  t.same([silent.story, body.story, paused.story, inHead.story], ["", "head data", "head", "head"]);
  await until(() => client.counts().open === 0, "the connections are gone");
  t.same(client.counts(), { open: 0, idle: 0, active: 0 });
});

t.test("abort before the connection is open leaves nothing behind (R-ORIGIN-20)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t, { lookup: () => undefined });
  const first = originFetch(client, origin.url);
  first.transfer.abort();
  const resolving = originFetch(client, "http://never.example/");
  await until(() => client.counts().open === 1, "the name is being resolved");
  resolving.transfer.abort();
  await until(() => client.counts().open === 0, "the connection is given up");
  t.same([first.story, resolving.story, origin.requests.length], ["", "", 0]);
});

t.test("abort after the end changes nothing: the connection is kept (R-ORIGIN-20)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t);
  const first = originFetch(client, origin.url, {}, { onDone: (fetched) => fetched.transfer.abort() });
  await first.over;
  first.transfer.abort();
  first.transfer.pause();
  first.transfer.resume();
  await originFetch(client, origin.url).over;
  t.equal(origin.connections.length, 1);
});

t.test("close fails the transfers under way with stopping, and later ones too (R-ORIGIN-22)", async (t) => {
  const origin: RawOrigin = await rawOrigin(t, () => undefined);
  const client = testClient(t);
  const waiting = originFetch(client, origin.url);
  await origin.until(() => origin.requests.length === 1, "it is asked");
  await new Promise<void>((resolve) => client.close(resolve));
  t.same(client.counts(), { open: 0, idle: 0, active: 0 });
  t.equal((await waiting.over).failure?.code, "stopping");
  t.equal((await originFetch(client, origin.url).over).failure?.code, "stopping");
  await origin.connections[0]?.whenClosed;
});
