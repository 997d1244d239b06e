/** A proxy of the simplest kind, as a target that any command starts: no cache, chunked bodies, a field of its own. */
import { createServer, get } from "node:http";

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://proxy").searchParams.get("url") ?? "";
  get(url, { agent: false }, (upstream) => {
    response.writeHead(upstream.statusCode ?? 502, { "X-Proxy": "plain" });
    upstream.pipe(response);
  }).on("error", () => response.destroy());
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const control = process.argv.includes("control") ? { control: "stdin" } : {};
  console.log(JSON.stringify({ listening: `http://127.0.0.1:${address.port}`, ...control }));
});

process.stdin.on("data", (bytes: Buffer) => {
  if (String(bytes) === "clear\n") console.log(JSON.stringify({ cleared: true }));
});
