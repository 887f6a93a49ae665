"use strict";
// The live page: reads the state once, follows the stream of events, and draws what has changed, once a frame.

const REFRESH = 10_000; // ms between two readings of the whole state, for latencies and streaks
const TICK = 15_000; // ms between two redrawings of what moves with time
const SILENCE = 12_000; // ms without a sign of life after which the page says that it is stale
const RECENT = 3000; // ms for which a change may be newer than a state that arrives
const MOST_EVENTS = 200;
const KEPT_EVENTS = 3000;
const MOST_OPEN = 1200; // reals beyond which balancers begin folded

class Page {
  constructor() {
    this.panels = new Map();
    this.panelCount = 0;
    this.realCount = 0;
    this.mostOpen = MOST_OPEN;
    this.routes = new Map();
    this.absences = [];
    this.overview = null;
    this.filter = { words: [], trouble: false };
    this.skew = 0;
    this.heard = 0;
    this.drawing = false;
    this.toSay = [];
    this.recent = [];
    this.known = false;
    this.events = new Events(byId("events"), { most: MOST_EVENTS, wanted: (event) => this.wanted(event), now: () => this.now() });
  }

  /** The director's Unix time. */
  now() {
    return Date.now() / 1000 + this.skew;
  }

  // --- what comes in ----------------------------------------------------------------------------------------

  async read() {
    if (this.reading) return;
    this.reading = true;
    try {
      const answer = await fetch("/state", { cache: "no-store" });
      if (answer.ok) this.takeAll(await answer.json());
    } catch {
      // the stream notices a director that is gone, and the page says so
    } finally {
      this.reading = false;
    }
  }

  takeAll(state) {
    this.takeOverview(state);
    const there = new Set(state.balancers.map((balancer) => balancer.service));
    for (const service of this.panels.keys()) if (!there.has(service)) this.dropPanel(service);
    let place = byId("balancers").firstElementChild;
    for (const balancer of state.balancers) {
      const panel = this.panel(balancer);
      if (panel === null) continue;
      const reals = new Set(balancer.reals.map((real) => real.real));
      for (const real of [...panel.reals.keys()]) if (!reals.has(real)) panel.drop(real);
      for (const real of balancer.reals) panel.updateReal(real);
      if (panel.node !== place) byId("balancers").insertBefore(panel.node, place);
      place = panel.node.nextElementSibling;
    }
    this.known = true;
    for (const [, change] of this.recent) this.takeChange(change);
    this.draw();
  }

  /** What changed lately is kept for a while: a state that was read before it may arrive after it. */
  takeChanges(changes) {
    const now = performance.now();
    this.recent = this.recent.filter(([at]) => now - at < RECENT);
    for (const change of changes) {
      this.recent.push([now, change]);
      if (this.known) this.takeChange(change);
    }
    this.draw();
  }

  takeChange(change) {
    if (change.real === undefined && change.gone) this.dropPanel(change.service);
    else if (change.real === undefined) this.panel(change);
    else if (change.gone) this.panels.get(change.service)?.drop(change.real);
    else this.panels.get(change.service)?.updateReal(change);
  }

  takeOverview(overview) {
    this.skew = overview.now - Date.now() / 1000;
    this.absences = overview.absences;
    this.routes = new Map(overview.routes.map((route) => [route.prefix, route]));
    this.overview = overview;
    this.draw();
  }

  takeEvents(events, fresh) {
    const added = this.events.add(events, { keep: KEPT_EVENTS, fresh });
    for (const panel of this.panels.values()) {
      for (const row of panel.rows.values()) {
        if (row.detail && added.some((event) => event.reals.includes(row.real.real))) row.fill();
      }
    }
    if (fresh) this.toSay.push(...added.filter((event) => event.kind === "health" || event.tone === "bad" || event.tone === "warning"));
  }

  /** The panel of a service, with a new head; null for one of the machine's own that needs no attention. */
  panel(head) {
    if (!head.balancer && head.in_step) {
      this.dropPanel(head.service);
      return null;
    }
    let panel = this.panels.get(head.service);
    if (panel === undefined) {
      panel = new Panel(this, head.service);
      this.panels.set(head.service, panel);
      byId("balancers").append(panel.node);
    }
    panel.updateHead(head);
    return panel;
  }

  dropPanel(service) {
    this.panels.get(service)?.node.remove();
    this.panels.delete(service);
  }

  // --- what is shown ----------------------------------------------------------------------------------------

  draw() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.drawNow();
    });
  }

  drawNow() {
    const panels = [...this.panels.values()];
    this.realCount = panels.reduce((sum, panel) => sum + panel.reals.size, 0);
    let shown = 0;
    for (const panel of panels) {
      panel.show(this.filter);
      shown += panel.node.hidden ? 0 : 1;
    }
    say(byId("balancer-count"), shown === panels.length ? String(shown) : `${shown} of ${panels.length}`);
    byId("nothing").hidden = shown > 0 || this.overview === null;
    if (this.overview) drawVerdict(this.overview, panels, this.now());
  }

  tick() {
    for (const panel of this.panels.values()) {
      if (!panel.node.hidden && !panel.table.hidden) for (const row of panel.rows.values()) row.tick();
    }
    if (this.overview) this.draw();
  }

  wanted(event) {
    if (event.tone === "quiet" && !byId("quiet").checked) return false;
    const text = `${event.text} ${event.balancer} ${event.service ?? ""} ${event.type} ${event.reals.join(" ")}`.toLowerCase();
    return this.filter.words.every((word) => text.includes(word)) && (!this.filter.trouble || ["bad", "warning"].includes(event.tone));
  }

  applyFilter() {
    this.filter = { words: wordsOf(byId("query")), trouble: pressed(byId("trouble")) };
    this.drawNow();
    this.events.refresh();
  }

  /** Tells those who listen instead of looking, in one sentence however much happens. */
  speak() {
    const [latest] = this.toSay.slice(-1);
    if (latest) {
      const more = this.toSay.length - 1;
      byId("spoken").textContent = `${latest.balancer} ${latest.text}${more ? `, and ${plural(more, "more event")}` : ""}`;
    }
    this.toSay = [];
  }

  // --- the stream -------------------------------------------------------------------------------------------

  connect() {
    this.stream?.close();
    const stream = new EventSource("/events");
    this.stream = stream;
    this.backlog = [];
    stream.addEventListener("open", () => this.read());
    stream.addEventListener("fact", (message) => this.queue(JSON.parse(message.data)));
    stream.addEventListener("changed", (message) => this.takeChanges(JSON.parse(message.data)));
    stream.addEventListener("reload", () => this.read());
    stream.addEventListener("beat", (message) => this.alive(JSON.parse(message.data)));
    stream.addEventListener("error", () => this.lost());
  }

  /** Events come in bursts; a burst is drawn in one go. */
  queue(event) {
    if (this.backlog.push(event) > 1) return;
    setTimeout(() => {
      const events = this.backlog;
      this.backlog = [];
      this.takeEvents(events, this.heard > 0);
    }, 20);
  }

  alive(overview) {
    this.heard = Date.now();
    byId("link").dataset.state = "live";
    say(byId("link-text"), "live");
    this.takeOverview(overview);
  }

  lost() {
    byId("link").dataset.state = "lost";
    say(byId("link-text"), this.heard ? `no connection since ${clock(this.heard / 1000)}` : "no connection");
  }

  watch() {
    if (this.heard && Date.now() - this.heard > SILENCE) {
      this.lost();
      this.connect();
    } else if (this.stream.readyState === EventSource.CLOSED) {
      this.connect();
    }
  }
}

function listen(page) {
  const query = byId("query");
  const trouble = byId("trouble");
  const apply = () => page.applyFilter();
  searchBy(query, apply);
  byId("quiet").addEventListener("change", () => page.events.refresh());
  trouble.addEventListener("click", () => {
    turn(trouble);
    apply();
  });
  byId("clear").addEventListener("click", () => {
    query.value = "";
    turn(trouble, false);
    apply();
    query.focus();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) page.read();
  });
}

const page = new Page();
listen(page);
page.connect();
setInterval(() => page.watch(), 1000);
setInterval(() => page.speak(), 3000);
setInterval(() => page.tick(), TICK);
setInterval(() => {
  if (!document.hidden) page.read();
}, REFRESH);
