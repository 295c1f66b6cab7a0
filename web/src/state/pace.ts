/** The server's clock between two words from it; simulated time may run faster than ours. */
export class Pace {
  private server = 0;
  private local = 0;
  private rate = 1;
  private stopped = 0;

  /** Takes the server's time [ms] heard at a local instant [ms]. */
  hear(server_ms: number, local_ms: number): void {
    if (this.server > 0 && local_ms - this.local > 2_000) {
      const rate = (server_ms - this.server) / (local_ms - this.local);
      // Near real time the quotient is only network jitter.
      this.rate = rate > 1.5 && rate < 10_000 ? rate : 1;
    } else if (this.server > 0 && server_ms < this.now(local_ms)) {
      this.stopped = 0;
      return; // an answer overtaken by a newer one
    }
    this.server = server_ms;
    this.local = local_ms;
    this.stopped = 0;
  }

  /** The server's time [ms] as far as known; 0 before the first word. */
  now(local_ms: number): number {
    if (this.server === 0) return 0;
    return this.server + ((this.stopped || local_ms) - this.local) * this.rate;
  }

  /** Holds the clock: nothing is known of the server any more. */
  stop(local_ms: number): void {
    if (this.stopped === 0) this.stopped = local_ms;
  }
}
