"use strict";
// The report: draws what is in the page, and asks nobody for anything.

const MOST_SHOWN = 500; // events in the list at once; the filter reaches all
const RECORDS = 10_000_000_000; // as kglb.replay.report
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

const MARKED = new Set(["DriftFound", "OperationFailed", "RealDrained", "RealRestored", "WeightOverridden", "DrainFinished"]);
const UNSETTLED = new Set(["initial", "undecided", "shutdown"]); // modes in which few alive is no trouble

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const begin = data.begin;
const end = Math.max(data.end, data.begin + 1);
zone = data.utc ? "UTC" : undefined;

/** The value in force at a moment, of [[time, value, ...], ...]; undefined before the first. */
function valueAt(steps, at) {
  let found;
  for (const step of steps) {
    if (step[0] > at) break;
    found = step;
  }
  return found;
}

/** Seconds that a real was in doubt, and out: down and until it was up again. What came before its first verdict is neither. */
function spentIn(conditions) {
  const spent = { failing: 0, out: 0 };
  let fell = false;
  for (const [from, to, kind] of pieces(conditions, begin, end)) {
    if (kind === "down") fell = true;
    if (kind === "up") fell = false;
    if (kind === "failing") spent.failing += to - from;
    if (fell && (kind === "down" || kind === "recovering")) spent.out += to - from;
  }
  return spent;
}

const x = (at) => ((Math.min(Math.max(at, begin), end) - begin) / (end - begin)) * WIDTH;

/** A step line: what is in force holds until the next. */
function stepPath(points, y) {
  let path = "";
  for (const [at, value] of points) path += path ? `H${x(at).toFixed(1)}V${y(value).toFixed(1)}` : `M${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  return path && `${path}H${WIDTH}`;
}

class RealLine {
  constructor(story, real) {
    this.real = real;
    const spent = spentIn(real.conditions);
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
    drawStrip(strip, this.real.conditions, begin, end, this.story.absences);
    const most = Math.max(1, ...this.real.weights.map(([, weight]) => weight));
    const changes = new Set(this.real.weights.map(([, weight]) => weight)).size > 1;
    const line = stepPath(this.real.weights, (weight) => 18 - (weight / most) * 15);
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
    const condition = valueAt(this.real.conditions, at)?.[1];
    const weight = valueAt(this.real.weights, at)?.[1];
    const failing = condition === "down" || condition === "failing";
    const reason = failing ? valueAt(this.real.reasons, at)?.[1] : undefined;
    return [`${WORDS[condition] ?? "Not there"}${reason ? `: ${reason}` : ""}`, weight === undefined ? null : `weight ${weight}`].filter(Boolean).join(", ");
  }
}

class Story {
  constructor(balancer, absences) {
    this.balancer = balancer;
    this.absences = absences;
    this.reals = Object.values(balancer.reals).map((real) => new RealLine(this, real));
    const settled = balancer.alive.filter(([, , total, mode]) => total > 0 && !UNSETTLED.has(mode));
    this.lowest = Math.min(1, ...settled.map(([, alive, total]) => alive / total));
    this.failsafe = this.spentInMode("failsafe") + this.spentInMode("unavailable");
    this.trouble = this.reals.some((line) => line.trouble) || this.failsafe > 0;
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
            el("td", { class: "total" }, `${Math.floor(this.lowest * 100)} %`, el("small", { text: this.failsafe ? `at worst, all down ${span(this.failsafe)}` : "alive at worst" })),
          ),
          el("tr", {}, el("td"), el("td", { class: "time" }, axis()), el("td", { class: "total" })),
        ),
        this.body,
      ),
    );
    this.expanded = null;
    this.all = false;
  }

  spentInMode(mode) {
    const alive = this.balancer.alive;
    return alive.reduce((sum, step, index) => sum + (step[3] === mode ? (alive[index + 1]?.[0] ?? end) - step[0] : 0), 0);
  }

  chart() {
    const chart = shape("svg", { viewBox: `0 0 ${WIDTH} 40`, preserveAspectRatio: "none", class: "chart", "aria-hidden": "true" });
    const y = (ratio) => 40 - ratio * 40;
    const alive = this.balancer.alive;
    const line = stepPath(alive.map(([at, up, total]) => [at, total ? up / total : 0]), y);
    chart.append(shape("rect", { class: "frame", width: WIDTH, height: 40 }), shape("path", { class: "grid", d: `M0 20H${WIDTH}` }));
    if (line) {
      chart.append(shape("path", { class: "ratio", d: `${line}V40H${x(alive[0][0]).toFixed(1)}z` }), shape("path", { class: "edge", d: line }));
    }
    alive.forEach(([at, , , mode], index) => {
      if (mode !== "failsafe" && mode !== "unavailable") return;
      const until = alive[index + 1]?.[0] ?? end;
      chart.append(shape("rect", { class: mode, x: x(at), width: Math.max(2, x(until) - x(at)), height: 40 }));
    });
    for (const event of data.events) {
      if (event.service === this.balancer.service && MARKED.has(event.type)) {
        chart.append(shape("path", { class: `mark ${event.tone}`, d: `M${x(event.at).toFixed(1)} 0V12` }));
      }
    }
    return chart;
  }

  tell(at) {
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

function axis() {
  const step = STEPS.find((seconds) => (end - begin) / seconds <= 6) ?? STEPS.at(-1);
  const marks = [];
  for (let at = Math.ceil(begin / step) * step; at <= end; at += step) {
    const left = ((at - begin) / (end - begin)) * 100;
    if (left < 3 || left > 97) continue;
    const mark = el("span", { text: clock(at, begin) });
    mark.style.left = `${left}%`;
    marks.push(mark);
  }
  const last = el("span", {});
  last.style.left = "100%";
  return el("div", { class: "axis", "aria-hidden": "true" }, el("span"), ...marks, last);
}

/** Makes a timeline say what was: where the pointer is, or from moment to moment by the arrow keys. */
function readable(cell, name, moments, tell) {
  let index = 0;
  const told = (at) => `${clock(at, begin)} ${tell(at)}`;
  const spell = () => {
    cell.firstElementChild.setAttribute("aria-valuenow", String(Math.round(moments[index] - begin)));
    cell.firstElementChild.setAttribute("aria-valuetext", told(moments[index]));
  };
  const picture = cell.firstElementChild;
  for (const [key, value] of Object.entries({ role: "slider", tabindex: "0", "aria-label": name, "aria-valuemin": "0", "aria-valuemax": String(Math.round(end - begin)) })) {
    picture.setAttribute(key, value);
  }
  picture.removeAttribute("aria-hidden");
  spell();
  const showMoment = () => {
    const box = picture.getBoundingClientRect();
    spell();
    showTip(box.left + (x(moments[index]) / WIDTH) * box.width, box.bottom, told(moments[index]));
  };
  picture.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -moments.length, End: moments.length };
    if (!(event.key in moves)) return;
    event.preventDefault();
    index = Math.min(Math.max(0, index + moves[event.key]), moments.length - 1);
    showMoment();
  });
  picture.addEventListener("focus", () => picture.matches(":focus-visible") && showMoment());
  picture.addEventListener("blur", hideTip);
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const at = begin + ((event.clientX - box.left) / box.width) * (end - begin);
    showTip(event.clientX, box.bottom, told(Math.min(Math.max(at, begin), end)));
  });
  picture.addEventListener("pointerleave", hideTip);
}

function showTip(left, top, text) {
  const tip = byId("tip");
  const cursor = byId("cursor");
  tip.hidden = cursor.hidden = false;
  tip.textContent = text;
  cursor.style.left = `${left}px`;
  const width = tip.offsetWidth;
  tip.style.left = `${Math.max(4, Math.min(left + 10, innerWidth - width - 10))}px`;
  tip.style.top = `${Math.min(top + 6, innerHeight - tip.offsetHeight - 4)}px`;
}

function hideTip() {
  byId("tip").hidden = byId("cursor").hidden = true;
}

function filter() {
  return {
    words: byId("query").value.toLowerCase().split(/\s+/).filter(Boolean),
    trouble: byId("trouble").getAttribute("aria-pressed") === "true",
  };
}

function wanted(event) {
  if (event.tone === "quiet" && !byId("quiet").checked) return false;
  const { words, trouble } = filter();
  const text = `${event.host ?? ""} ${event.balancer} ${event.service ?? ""} ${event.type} ${event.text} ${event.reals.join(" ")}`.toLowerCase();
  return words.every((word) => text.includes(word)) && (!trouble || event.tone === "bad" || event.tone === "warning");
}

const absencesOf = new Map(data.stretches.map((stretch) => [data.stretches.length > 1 ? stretch.director : "", stretch.absences]));
const stories = data.balancers.map((balancer) => new Story(balancer, absencesOf.get(balancer.director) ?? []));
const events = new Events(byId("events"), { most: MOST_SHOWN, wanted, now: () => begin, number: (seq) => seq % RECORDS });

function show() {
  const chosen = filter();
  const shown = stories.filter((story) => story.show(chosen)).length;
  say(byId("count"), shown === stories.length ? String(shown) : `${shown} of ${stories.length}`);
  byId("nothing").hidden = shown > 0;
  const found = events.refresh();
  const missing = data.left_out ? `; ${data.left_out} older ones left out` : "";
  say(byId("event-count"), `${found > MOST_SHOWN ? `the newest ${MOST_SHOWN} of ${found}` : found}${missing}`);
}

function summarise() {
  const lines = stories.flatMap((story) => story.reals);
  const out = lines.filter((line) => line.out > 0);
  const worst = stories.filter((story) => story.failsafe > 0);
  const text = [
    out.length ? `${out.length} of ${plural(lines.length, "real")} ${out.length === 1 ? "was" : "were"} down at some time` : `No real of ${lines.length} was down`,
    worst.length ? `${worst.map((story) => story.balancer.name).slice(0, 3).join(", ")}${worst.length > 3 ? " and others" : ""} had none up` : null,
  ].filter(Boolean);
  say(byId("summary"), text.join("; "));
  say(byId("span"), `${clock(begin, 0)} – ${clock(end, begin)}${data.utc ? " UTC" : ""}`);
  document.title = `${byId("span").textContent} · kglb-actors report`;
  const figures = {
    Directors: data.stretches.map((stretch) => `${stretch.director}, records ${stretch.first_seq}–${stretch.last_seq}`).join("; "),
    Span: span(end - begin),
    Balancers: stories.length,
    "Out in all": span(out.reduce((sum, line) => sum + line.out, 0)),
    "Kernel operations": `${data.counts.applied} done, ${data.counts.failed} refused`,
    Drift: data.counts.drift ? `${plural(data.counts.drift, "change")} by somebody else` : "none",
  };
  byId("figures").replaceChildren(...Object.entries(figures).map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: String(value) }))));
}

events.add(data.events);
byId("timelines").replaceChildren(...stories.map((story) => story.node));
summarise();
show();
byId("query").addEventListener("input", show);
byId("query").closest("form").addEventListener("submit", (event) => event.preventDefault());
byId("quiet").addEventListener("change", show);
byId("trouble").addEventListener("click", (event) => {
  event.currentTarget.setAttribute("aria-pressed", String(event.currentTarget.getAttribute("aria-pressed") !== "true"));
  show();
});
document.addEventListener("scroll", hideTip, { passive: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== byId("query")) {
    event.preventDefault();
    byId("query").focus();
  }
});
