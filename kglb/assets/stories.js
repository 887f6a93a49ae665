"use strict";
// The report's balancers and reals: each with its timeline.

const MARKED = new Set(["DriftFound", "OperationFailed", "RealDrained", "RealRestored", "WeightOverridden", "DrainFinished"]);
const TOO_FEW = new Set(["backup", "failsafe", "unavailable"]); // modes in which too few reals are up
const UNKNOWN = "nothing known"; // behind the last record, where the daemon is not known to have run on
const UNSETTLED = new Set(["initial", "undecided", "shutdown"]); // modes in which few alive is no trouble

class RealLine {
  constructor(story, real) {
    this.real = real;
    const spent = spentIn(real.conditions, story.end);
    this.out = spent.out;
    this.trouble = spent.out > 0 || spent.failing > 0;
    this.text = `${real.real} ${real.host} ${real.reasons.map(([, reason]) => reason).join(" ")}`.toLowerCase();
    this.moments = [...new Set([begin, ...real.conditions.map(([at]) => at), ...real.weights.map(([at]) => at), ...real.reasons.map(([at]) => at)])]
      .filter((at) => at >= begin && at <= end)
      .sort((a, b) => a - b);
    this.story = story;
  }

  row() {
    if (this.node) return this.node;
    const strip = newStrip();
    const conditions = this.story.end < end ? [...this.real.conditions, [this.story.end, null]] : this.real.conditions;
    drawStrip(strip, conditions, begin, end, this.story.absences);
    const most = Math.max(1, ...this.real.weights.map(([, weight]) => weight));
    const changes = new Set(this.real.weights.map(([, weight]) => weight)).size > 1;
    const line = stepPath(this.real.weights, (weight) => 18 - (weight / most) * 15, this.story.end);
    if (changes) strip.append(shape("path", { class: "weight", d: line }));
    const cell = el("td", { class: "time" }, strip);
    readable(cell, `${this.real.real}, conditions and weight`, this.moments, (at) => this.tell(at));
    const host = this.real.host === this.real.real ? "" : ` ${this.real.host}`;
    this.node = el(
      "tr",
      {},
      el("th", { scope: "row" }, this.real.real, el("span", { class: "muted", text: host })),
      cell,
      el("td", { class: `total ${this.out ? "down" : "muted"}`, text: this.out ? `out ${span(this.out)}` : "–" }),
    );
    return this.node;
  }

  tell(at) {
    if (at > this.story.end) return UNKNOWN;
    const condition = valueAt(this.real.conditions, at)?.[1];
    const weight = valueAt(this.real.weights, at)?.[1];
    const failing = condition === "down" || condition === "failing";
    const reason = failing ? valueAt(this.real.reasons, at)?.[1] : undefined;
    return [`${WORDS[condition] ?? "Not there"}${reason ? `: ${reason}` : ""}`, weight === undefined ? null : `weight ${weight}`].filter(Boolean).join(", ");
  }
}

class Story {
  constructor(balancer, stretch) {
    this.balancer = balancer;
    this.absences = stretch.absences;
    this.end = stretch.end;
    this.reals = Object.values(balancer.reals).map((real) => new RealLine(this, real));
    const settled = balancer.alive.filter(([, , total, mode]) => total > 0 && !UNSETTLED.has(mode));
    this.lowest = Math.min(1, ...settled.map(([, alive, total]) => alive / total));
    this.noneUp = this.spentWithNoneUp();
    this.trouble = this.reals.some((line) => line.trouble) || this.noneUp > 0;
    this.text = `${balancer.director} ${balancer.name} ${balancer.service}`.toLowerCase();
    this.title = el("button", { class: "fold", type: "button", click: () => this.toggle() }, [balancer.director, balancer.name].filter(Boolean).join(" "));
    const chart = el("td", { class: "time" }, this.chart());
    readable(chart, `${balancer.name}, reals alive`, [begin, ...balancer.alive.map(([at]) => at)], (at) => this.tell(at));
    this.body = el("tbody");
    this.node = el(
      "article",
      { class: "story" },
      el(
        "table",
        { "aria-label": `${balancer.name} and its reals` },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "row" }, this.title, el("span", { class: "service", text: balancer.service })),
            chart,
            el("td", { class: "total" }, `${Math.floor(this.lowest * 100)} %`, el("small", { text: this.noneUp ? `at worst, all down ${span(this.noneUp)}` : "alive at worst" })),
          ),
          el("tr", {}, el("td"), el("td", { class: "time" }, axis()), el("td", { class: "total" })),
        ),
        this.body,
      ),
    );
    this.expanded = null;
    this.all = false;
  }

  spentWithNoneUp() {
    const alive = this.balancer.alive;
    const lasted = (index) => (alive[index + 1]?.[0] ?? this.end) - alive[index][0];
    return alive.reduce((sum, [, up, , mode], index) => sum + (!up && TOO_FEW.has(mode) ? lasted(index) : 0), 0);
  }

  chart() {
    const chart = shape("svg", { viewBox: `0 0 ${WIDTH} 40`, preserveAspectRatio: "none", class: "chart", "aria-hidden": "true" });
    const y = (ratio) => 40 - ratio * 40;
    const alive = this.balancer.alive;
    const line = stepPath(alive.map(([at, up, total]) => [at, total ? up / total : 0]), y, this.end);
    chart.append(shape("rect", { class: "frame", width: WIDTH, height: 40 }), shape("path", { class: "grid", d: `M0 20H${WIDTH}` }));
    if (line) {
      chart.append(shape("path", { class: "ratio", d: `${line}V40H${x(alive[0][0]).toFixed(1)}z` }), shape("path", { class: "edge", d: line }));
    }
    alive.forEach(([at, , , mode], index) => {
      if (!TOO_FEW.has(mode)) return;
      const until = alive[index + 1]?.[0] ?? this.end;
      chart.append(shape("rect", { class: mode, x: x(at), width: Math.max(2, x(until) - x(at)), height: 40 }));
    });
    for (const event of data.events) {
      if (event.service === this.balancer.service && event.host === this.balancer.director && MARKED.has(event.type)) {
        chart.append(shape("path", { class: `mark ${event.tone}`, d: `M${x(event.at).toFixed(1)} 0V12` }));
      }
    }
    return chart;
  }

  tell(at) {
    if (at > this.end) return UNKNOWN;
    const now = valueAt(this.balancer.alive, at);
    return now ? `${now[1]} of ${now[2]} up, ${now[3].replace("_", " ")}` : "not there";
  }

  toggle() {
    this.expanded = !this.open;
    this.show(filter());
  }

  more(count) {
    const unfold = () => {
      this.all = true;
      this.show(filter());
    };
    const button = el("button", { class: "more", type: "button", click: unfold, text: `${plural(count, "real")} without trouble` });
    return el("tr", {}, el("td", { colspan: 3 }, button));
  }

  show({ words, trouble }) {
    const left = words.filter((word) => !this.text.includes(word));
    const passing = this.reals.filter((line) => (!trouble || line.trouble) && left.every((word) => line.text.includes(word)));
    this.node.hidden = passing.length === 0 && (left.length > 0 || (trouble && !this.trouble));
    this.open = this.expanded ?? (words.length > 0 || this.trouble);
    this.title.setAttribute("aria-expanded", String(this.open));
    const calm = this.all || words.length > 0 ? [] : passing.filter((line) => !line.trouble);
    const rows = passing.filter((line) => !calm.includes(line)).map((line) => line.row());
    if (calm.length) rows.push(this.more(calm.length));
    this.body.replaceChildren(...(this.open && !this.node.hidden ? rows : []));
    return !this.node.hidden;
  }
}
