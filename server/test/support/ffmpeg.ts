/**
 * ffmpeg as a player: it demuxes a whole presentation and prints a checksum of every packet. Two runs with equal
 * checksums have read the same bytes at the same places, which "it plays" does not prove.
 */
import { spawn } from "node:child_process";

export type Packets = {
  /** One line a packet: stream, times, size, checksum; comments dropped. */
  lines: string[];
  /** What ffmpeg complained of. */
  complaints: string;
  exitCode: number | null;
};

/** Longest that one run may take, in milliseconds. */
const patienceMs = 60_000;

type Ran = { stdout: string; stderr: string; exitCode: number | null };

function run(command: string, args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: patienceMs,
      killSignal: "SIGKILL",
    });
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      out.stdout += text;
    });
    child.stderr.setEncoding("latin1").on("data", (text: string) => {
      out.stderr += text;
    });
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ ...out, exitCode }));
  });
}

let hlsOptions: Promise<string[]> | null = null;

/** The options that make this ffmpeg accept URLs whose path has no extension; older ones know fewer of them. */
function knownHlsOptions(): Promise<string[]> {
  hlsOptions ??= run("ffmpeg", ["-hide_banner", "-h", "demuxer=hls"]).then(({ stdout }) => {
    const wanted = [
      ["-allowed_extensions", "ALL"],
      ["-allowed_segment_extensions", "ALL"],
      ["-extension_picky", "0"],
    ];
    return wanted.filter(([name]) => stdout.includes(`${name} `)).flat();
  });
  return hlsOptions;
}

/** Every packet of every stream. `input` are options before `-i`, `output` options after it (such as `-t 4`). */
export async function packets(
  url: string,
  hls: boolean,
  input: string[] = [],
  output: string[] = [],
): Promise<Packets> {
  const options = hls ? await knownHlsOptions() : [];
  const before = ["-hide_banner", "-nostdin", "-loglevel", "error", ...options, ...input];
  const ran = await run("ffmpeg", [...before, "-i", url, "-map", "0", ...output, "-c", "copy", "-f", "framecrc", "-"]);
  const lines = ran.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return { lines, complaints: ran.stderr.trim(), exitCode: ran.exitCode };
}

/** The checksum at the end of a packet's line, with its size: what stays equal when times move. */
export function packetBytes(line: string): string {
  return line.split(",").slice(4, 6).join(",").replaceAll(" ", "");
}
