/** The server's clock, as well as a browser can know it: countdowns must not trust the visitor's own. */
export class ServerClock {
  #ahead; // milliseconds that the browser's clock is ahead of the server's

  /** @param {string} pageTime when the server made this page */
  constructor(pageTime) {
    const [navigation] = performance.getEntriesByType("navigation");
    const arrived = performance.timeOrigin + (navigation?.responseStart ?? 0);
    const ahead = arrived - Date.parse(pageTime);
    this.#ahead = Number.isFinite(ahead) ? ahead : 0;
  }

  /** Learn from a moment that the server dated between two moments of ours. */
  observe(createdAt, sentAt, receivedAt) {
    const server = Date.parse(createdAt);
    if (!Number.isFinite(server) || receivedAt - sentAt > 10_000) return;
    this.#ahead = Math.min(Math.max(this.#ahead, sentAt - server), receivedAt - server);
  }

  now() {
    return Date.now() - this.#ahead;
  }

  secondsUntil(time) {
    const at = Date.parse(time);
    return Number.isFinite(at) ? Math.max(0, Math.round((at - this.now()) / 1000)) : null;
  }
}

export function formatSeconds(seconds) {
  const pad = (n) => String(n).padStart(2, "0");
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}
