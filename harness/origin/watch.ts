/** Waiting for a condition without polling: whoever changes something tells, whoever waits looks again. */

export type Watch = {
  tell: () => void;
  /** Resolves when the condition holds. */
  until: (condition: () => boolean) => Promise<void>;
};

export function watch(): Watch {
  const waiting = new Set<() => void>();
  return {
    tell: () => {
      for (const look of [...waiting]) look();
    },
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
