/** What the terminal can do: colours, and a line that is written over. */

export type Screen = {
  write: (text: string) => void;
  color: boolean;
  /** Whether a progress line can be written over. */
  live: boolean;
  columns: number;
};

/** The screen of a stream, by the conventions of NO_COLOR, FORCE_COLOR and TERM=dumb. */
export function screenOf(
  stream: { isTTY?: boolean; columns?: number; write: (text: string) => unknown },
  environment: Record<string, string | undefined>,
): Screen {
  const dumb = environment.TERM === "dumb";
  const terminal = stream.isTTY === true && !dumb;
  const refused = (environment.NO_COLOR ?? "") !== "";
  const forced = !["", "0", "false"].includes(environment.FORCE_COLOR ?? "");
  return {
    write: (text) => void stream.write(text),
    color: !refused && (forced || terminal),
    live: terminal && (environment.CI ?? "") === "",
    columns: stream.columns ?? 120,
  };
}

export type Paint = "red" | "green" | "yellow" | "dim" | "bold";

const codes: Record<Paint, [number, number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** The text in a colour, where there are colours. */
export function painted(screen: Screen, paint: Paint, text: string): string {
  const [on, off] = codes[paint];
  return screen.color && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
}
