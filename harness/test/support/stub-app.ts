/** An app on a phone that is played by a script: says what a test wants it to say to each command. */
import { createInterface } from "node:readline";
import { listen } from "./sockets.ts";

type Test = { teardown(fn: () => unknown): unknown };
type Said = { do: string; to?: { host: string; port: number }[] };

export const rightHello = { protocol: 1, version: "0.1.0", system: "iOS 17.5.1", device: "iPhone", addresses: [] };

/** Starts it; its port. An answer that is null is none, false hangs up, a text is sent as it is. */
export async function startStubApp(t: Test, answer: (said: Said) => object | string | null | false): Promise<number> {
  const url = await listen(t, (socket) => {
    const lines = createInterface({ input: socket });
    lines.on("error", () => undefined);
    lines.on("line", (line) => {
      const said = answer(JSON.parse(line) as Said);
      if (said === false) socket.destroy();
      else if (said !== null) socket.write(typeof said === "string" ? said : `${JSON.stringify(said)}\n`);
    });
    socket.on("end", () => socket.end());
  });
  return Number(new URL(url).port);
}
