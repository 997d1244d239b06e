/** The links that `first-frame` plays. */
export type PlayedLink = { name: string; roundTripMs: number; kilobits: number };

export const links: PlayedLink[] = [
  { name: "50", roundTripMs: 20, kilobits: 50_000 },
  { name: "7", roundTripMs: 40, kilobits: 7_000 },
  { name: "1.5", roundTripMs: 150, kilobits: 1_500 },
];

export function linkText({ kilobits, roundTripMs }: PlayedLink): string {
  return `${kilobits / 1_000} Mbit/s, ${roundTripMs} ms`;
}
