"use strict";
// One balancer as a panel, and one real of it as a row: made once, and changed where the state has.

const STRIP_SECONDS = 3600;
const REAL_EVENTS = 12;
const COLUMNS = ["Real", "State", "Weight", "Latency", "Last hour", "Since"];

const inRotation = (real) => !real.drain && !real.leaving;
const isTrouble = (real) => (real.condition !== "up" && inRotation(real)) || !real.in_step || real.unchecked !== "";

/** The state of a real in one word: what an operator ordered, else its condition. */
function stateOf(real) {
  if (real.drain) return "drained";
  if (real.leaving) return "leaving";
  return real.condition ?? "unknown";
}

function whyOf(real) {
  if (real.out_of_rotation) return `${real.condition}; ${real.out_of_rotation}`;
  if (real.unchecked) return real.unchecked;
  if (real.condition === null) return "not in the config";
  if (real.condition === "recovering") return `${plural(real.streak, "pass", "passes")} so far`;
  return real.why;
}

class Row {
  constructor(page, service, real) {
    this.page = page;
    this.service = service;
    this.name = el("button", { class: "name", type: "button", "aria-expanded": "false", click: () => this.toggle() });
    this.host = el("span", { class: "muted" });
    this.state = el("td", { class: "state", role: "cell" });
    this.weight = el("td", { class: "number weight", role: "cell" });
    this.latency = el("td", { class: "number latency", role: "cell" });
    this.strip = newStrip();
    this.since = el("td", { class: "number since", role: "cell" });
    this.node = el(
      "tr",
      { class: "real", role: "row" },
      el("th", { scope: "row", role: "rowheader" }, this.name, this.host),
      this.state,
      this.weight,
      this.latency,
      el("td", { class: "hour", role: "cell" }, this.strip),
      this.since,
    );
    this.detail = null;
    this.update(real);
  }

  update(real) {
    this.real = real;
    say(this.name, real.real);
    say(this.host, `${real.host === real.real ? "" : ` ${real.host}`}${real.backup ? " backup" : ""}`);
    this.updateState(real);
    this.updateWeight(real);
    say(this.latency, latency(real.latency));
    this.tick();
    if (this.detail) this.fill();
  }

  updateState(real) {
    const why = whyOf(real);
    const kind = stateOf(real);
    const shown = `${kind} ${why}`;
    if (this.state.dataset.shown === shown) return;
    this.state.dataset.shown = shown;
    this.state.replaceChildren(icon(kind), el("span", { class: kind, text: WORDS[kind] ?? "Unknown" }));
    if (why) this.state.append(el("span", { class: "why", text: why }));
  }

  updateWeight(real) {
    const wanted = real.weight === null ? "–" : String(real.weight);
    const held = real.kernel_weight === null ? "not there" : real.kernel_weight;
    const shown = `${wanted}|${real.in_step ? "" : held}|${real.override?.seq}|${real.slow_start}`;
    if (this.weight.dataset.shown === shown) return;
    this.weight.dataset.shown = shown;
    this.weight.replaceChildren(wanted);
    if (real.override) this.weight.append(el("span", { class: "set", text: `by ${real.override.who}` }));
    if (real.slow_start) this.weight.append(el("span", { class: "set", text: "slow start" }));
    if (!real.in_step) this.weight.append(el("span", { class: "differs", text: `kernel: ${held}` }));
  }

  /** What changes as time goes by. */
  tick() {
    const now = this.page.now();
    drawStrip(this.strip, this.real.strip, now - STRIP_SECONDS, now, this.page.absences);
    say(this.since, this.real.since === null ? "–" : span(now - this.real.since));
    if (this.real.since !== null) this.since.title = clock(this.real.since, now);
  }

  toggle() {
    if (this.detail) {
      this.detail.remove();
      this.detail = null;
    } else {
      this.detail = el("tr", { class: "detail", role: "row" }, el("td", { colspan: COLUMNS.length, role: "cell" }));
      this.node.after(this.detail);
      this.fill();
    }
    this.name.setAttribute("aria-expanded", String(this.detail !== null));
  }

  fill() {
    const real = this.real;
    const facts = {
      "Checks in a row": real.streak === 0 ? "none yet" : `${Math.abs(real.streak)} ${real.streak > 0 ? "passed" : "failed"}, at least`,
      "Last answer": [real.outcome || "none", real.why].filter(Boolean).join(": "),
      "Last check": real.check_age === null ? "none" : `took ${latency(real.latency)}`,
      Weight: `${real.weight ?? "–"} wanted, ${real.kernel_weight ?? "–"} in the kernel, ${real.configured ?? "–"} when ${real.backup ? "it serves in place of the others" : "up"}`,
      ...(real.active === null ? {} : { Connections: `${real.active} active, ${real.inactive} inactive` }),
      ...(real.slow_start ? { "Not all of it yet": real.slow_start } : {}),
      ...(real.weighed ? { "Weight because": real.weighed } : {}),
      ...(real.out_of_rotation ? { "Out of rotation": real.out_of_rotation } : {}),
      Forwarding: real.forward,
      "Decided by": `health by record ${real.health_seq}, weight by record ${real.weight_seq}`,
    };
    const list = el("dl", {}, ...Object.entries(facts).flatMap(([name, text]) => [el("dt", { text: name }), el("dd", { text })]));
    const events = this.page.events.about(this.service, real.real, REAL_EVENTS);
    const past = events.length
      ? el("ol", {}, ...events.map((event) => this.page.events.item(event, false)))
      : el("p", { class: "muted", text: "none that this page knows" });
    this.detail.firstElementChild.replaceChildren(list, el("h4", { text: "Its latest events" }), past);
  }

  remove() {
    this.detail?.remove();
    this.node.remove();
  }
}

class Panel {
  constructor(page, service) {
    this.page = page;
    this.service = service;
    this.reals = new Map();
    this.rows = new Map();
    this.id = `reals-${page.panelCount++}`;
    this.title = el("button", { type: "button", "aria-controls": this.id, click: () => this.toggle() });
    this.facts = el("p", { class: "facts" });
    this.counts = el("p", { class: "counts" });
    this.mode = el("span", { class: "badge" });
    this.ratio = el("div", { class: "ratio", role: "img" });
    this.body = el("tbody", { role: "rowgroup" });
    this.table = el(
      "table",
      { role: "table", id: this.id },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...COLUMNS.map(heading))),
      this.body,
    );
    this.node = el(
      "article",
      { class: "balancer" },
      el("header", {}, el("h3", {}, this.title), this.counts, this.facts, this.mode, this.ratio),
      this.table,
    );
    this.expanded = null;
  }

  updateHead(head) {
    this.head = head;
    say(this.title, head.balancer || head.service);
    this.table.setAttribute("aria-label", `Reals of ${head.balancer || head.service}`);
    const route = this.page.routes.get(head.route);
    say(
      this.facts,
      [
        head.balancer ? head.service : "no balancer of ours",
        head.scheduler,
        head.route && route ? `${head.route} ${route.announced ? "announced" : "not announced"}` : null,
        head.wanted === head.in_kernel ? null : head.wanted ? "not in the kernel yet" : "still in the kernel",
      ].filter(Boolean).join(" · "),
    );
    say(this.mode, (head.mode ?? "undecided").replace("_", " "));
    const good = head.mode === "available";
    this.mode.className = `badge ${good ? "good" : head.mode === "failsafe" || head.mode === "unavailable" ? "bad" : "warning"}`;
    say(this.counts, `${head.alive} of ${head.total} up`);
  }

  updateReal(real) {
    this.reals.set(real.real, real);
    this.rows.get(real.real)?.update(real);
  }

  drop(real) {
    this.reals.delete(real);
    this.rows.get(real)?.remove();
    this.rows.delete(real);
  }

  toggle() {
    this.expanded = this.table.hidden;
    this.show(this.page.filter);
  }

  /** Shows what passes a filter; returns how many reals that are. Rows are made when they are first seen. */
  show({ words, trouble }) {
    const own = `${this.head.balancer} ${this.head.service} ${this.head.mode ?? ""} ${this.head.scheduler}`.toLowerCase();
    const left = words.filter((word) => !own.includes(word));
    const passing = [...this.reals.values()].filter((real) => (!trouble || isTrouble(real)) && matches(real, left));
    const anything = passing.length > 0 || (left.length === 0 && (!trouble || this.head.mode !== "available" || !this.head.in_step));
    this.node.hidden = !anything;
    const open = this.expanded ?? (words.length > 0 || trouble || this.page.realCount <= this.page.mostOpen);
    this.table.hidden = !open || this.reals.size === 0;
    this.title.setAttribute("aria-expanded", String(!this.table.hidden));
    if (anything && open) this.showRows(new Set(passing));
    this.drawRatio();
    return anything ? passing.length : 0;
  }

  showRows(passing) {
    let before = null;
    for (const real of this.reals.values()) {
      let row = this.rows.get(real.real);
      if (row === undefined && passing.has(real)) {
        row = new Row(this.page, this.service, real);
        this.rows.set(real.real, row);
        if (before === null) this.body.prepend(row.node);
        else before.after(row.node);
      }
      if (row === undefined) continue;
      row.node.hidden = !passing.has(real);
      if (row.detail) row.detail.hidden = row.node.hidden;
      before = row.detail ?? row.node;
    }
  }

  drawRatio() {
    const counts = {};
    for (const real of this.reals.values()) {
      if (!real.backup) counts[stateOf(real)] = (counts[stateOf(real)] ?? 0) + 1;
    }
    const kinds = ["up", "failing", "drained", "leaving", "unknown", "waiting", "recovering", "down"].filter((kind) => counts[kind]);
    const told = kinds.map((kind) => `${counts[kind]} ${kind}`).join(", ") || "no reals";
    if (this.ratio.getAttribute("aria-label") === told) return;
    this.ratio.setAttribute("aria-label", told);
    this.ratio.replaceChildren(
      ...kinds.map((kind) => {
        const part = el("span", { class: kind });
        part.style.flex = String(counts[kind]);
        return part;
      }),
    );
  }
}

function heading(name) {
  const kind = { Weight: "number weight", Latency: "number latency", Since: "number since", "Last hour": "hour" }[name];
  return el("th", { scope: "col", role: "columnheader", class: kind, text: name });
}

function matches(real, words) {
  const text = `${real.real} ${real.host} ${real.backup ? "backup " : ""}${stateOf(real)} ${real.condition ?? ""} ${real.reason} ${real.detail}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
