// A list of named checks: gmbench/evaluation/checks.py.

const MOST_SHOWN = 10;

export class Checklist {
  constructor(source) {
    this.source = source;
    this.checks = [];
  }

  get ok() {
    return this.checks.every((check) => check.status === "ok");
  }

  passed(name, message) {
    this.checks.push({ name, status: "ok", message, offenders: [], n_offenders: 0, remedy: "" });
  }

  /** Notes a check that is not ok; after a fatal one the later checks cannot be made. */
  failed(name, message, remedy, offenders = [], { n = offenders.length, fatal = false } = {}) {
    this.checks.push({
      name, status: fatal ? "error" : "failed", message,
      offenders: offenders.slice(0, MOST_SHOWN), n_offenders: n, remedy,
    });
  }

  toData() {
    return { source: this.source, ok: this.ok, checks: this.checks };
  }
}
