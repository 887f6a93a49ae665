"use strict";
// Recorded events, newest first; each opens to the chain of records that led to it.

const MOST_LINKS = 15;

class Events {
  /** `list` is the ol to fill, with at most `most` events that `wanted(event)` passes; `number(seq)` is a record's. */
  constructor(list, { most, wanted, now, number = (seq) => seq }) {
    this.list = list;
    this.most = most;
    this.wanted = wanted;
    this.now = now;
    this.number = number;
    this.known = new Map();
  }

  /** Takes events in, oldest first; those already known are skipped. Returns the new ones. */
  add(events, { keep = Infinity, fresh = false } = {}) {
    const added = events.filter((event) => !this.known.has(event.seq));
    for (const event of added) this.known.set(event.seq, event);
    for (const seq of this.known.keys()) {
      if (this.known.size <= keep) break;
      this.known.delete(seq);
    }
    const shown = added.filter(this.wanted).slice(-this.most);
    this.list.prepend(...shown.reverse().map((event) => this.item(event, fresh)));
    while (this.list.children.length > this.most) this.list.lastElementChild.remove();
    return added;
  }

  /** Shows what is wanted now. Returns how many there are, shown or not. */
  refresh() {
    const wanted = [...this.known.values()].filter(this.wanted);
    this.list.replaceChildren(...wanted.slice(-this.most).reverse().map((event) => this.item(event, false)));
    return wanted.length;
  }

  /** The newest events about a real, newest first. */
  about(service, real, most) {
    const found = [...this.known.values()].filter(
      (event) => event.reals.includes(real) && (event.service === null || event.service === service),
    );
    return found.slice(-most).reverse();
  }

  item(event, fresh) {
    const details = el(
      "details",
      { class: `event${fresh ? " fresh" : ""}`, toggle: () => this.open(details, event) },
      el(
        "summary",
        {},
        el("time", { datetime: new Date(event.at * 1000).toISOString(), text: clock(event.at, this.now()) }),
        icon(event.tone),
        this.text(event),
      ),
    );
    return el("li", {}, details);
  }

  text(event) {
    const tone = event.tone === "bad" || event.tone === "warning" ? `${event.tone}: ` : "";
    const who = [event.host, event.balancer].filter(Boolean).join(" ");
    return el(
      "span",
      { class: `text${event.tone === "plain" || event.tone === "quiet" ? " minor" : ""}` },
      tone ? el("span", { class: "unseen", text: tone }) : null,
      who ? el("strong", { text: who }) : null,
      `${who ? " " : ""}${event.text}`,
    );
  }

  open(details, event) {
    details.querySelector(".because")?.remove();
    if (!details.open) return;
    const chain = this.chain(event);
    const because = el("div", { class: "because" }, `Record ${this.number(event.seq)}, ${event.type}. `);
    because.append(chain.length ? "Because of:" : "Nothing recorded led to it.");
    if (chain.length) {
      because.append(el("ol", { class: "chain" }, ...chain.map((seq) => this.link(seq))));
    }
    details.append(because);
  }

  link(seq) {
    const event = this.known.get(seq);
    if (event === undefined) return el("li", { class: "muted", text: `record ${this.number(seq)}, older than what is kept here` });
    return el("li", {}, el("span", { class: "muted", text: `${clock(event.at, this.now())} ` }), icon(event.tone), " ", this.text(event));
  }

  /** The numbers of the records that led to an event, newest first. */
  chain(event) {
    const found = new Set();
    const waiting = [event];
    while (waiting.length && found.size < MOST_LINKS) {
      const next = waiting.shift();
      for (const seq of new Set([...next.because, ...(next.cause === null ? [] : [next.cause])])) {
        if (found.has(seq) || found.size >= MOST_LINKS) continue;
        found.add(seq);
        const cause = this.known.get(seq);
        if (cause) waiting.push(cause);
      }
    }
    return [...found].sort((a, b) => b - a);
  }
}
