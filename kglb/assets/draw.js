"use strict";
// What the page and the report draw with: elements, icons, times, strips. Text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

const SHAPES = {
  up: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z",
  down: "M3.8 2 8 6.2 12.2 2 14 3.8 9.8 8l4.2 4.2-1.8 1.8L8 9.8 3.8 14 2 12.2 6.2 8 2 3.8z",
  failing: "M8 1.5 15 14H1z",
  recovering: "M8 1.5 13.5 8.5h-3.3v6H5.8v-6H2.5z",
  unknown: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zm0 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  drained: "M3 3h3.5v10H3zM9.5 3H13v10H9.5z",
  plain: "M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
};
Object.assign(SHAPES, { good: SHAPES.up, bad: SHAPES.down, warning: SHAPES.failing, quiet: SHAPES.plain, leaving: SHAPES.drained });

const WORDS = { up: "Up", failing: "Failing", down: "Down", recovering: "Recovering", waiting: "Not checked yet", drained: "Drained", leaving: "Leaving" };

const byId = (id) => document.getElementById(id);

/** An element with attributes (`text` is its text, functions are listeners) and children. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function shape(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** A small picture that says by its shape what its colour says. */
function icon(name) {
  const picture = shape("svg", { viewBox: "0 0 16 16", class: `icon ${name}`, "aria-hidden": "true" });
  picture.append(shape("path", { d: SHAPES[name] ?? SHAPES.unknown }));
  return picture;
}

/** Sets a text only if it is another: what does not change stays selected, and costs nothing. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let zone; // in which times are shown; the browser's, unless set
let formats; // made once: they are slow to make

/** Unix time as the clock shows it, with the date unless that is the day of `now`. */
function clock(at, now = Date.now() / 1000) {
  formats ??= {
    time: new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone }),
    day: new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeZone: zone }),
  };
  const [shown, day, today] = [formats.time.format(at * 1000), formats.day.format(at * 1000), formats.day.format(now * 1000)];
  return day === today ? shown : `${day} ${shown}`;
}

/** A span in its two largest units: 40 s, 12 min, 3 h 5 min, 2 d 4 h. */
function span(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

function latency(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const ms = seconds * 1000;
  return ms < 10 ? `${ms.toFixed(2)} ms` : ms < 100 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

const HEIGHTS = { none: [19, 1], waiting: [19, 1], up: [13, 7], recovering: [7, 13], failing: [7, 13], down: [0, 20] };
const WIDTH = 600;

/** Cuts changes [[time, condition], ...] into pieces [from, to, condition] within `from` .. `to`. */
function pieces(changes, from, to) {
  const cut = [];
  let since = from;
  let now = "none";
  for (const [at, next] of changes) {
    if (at > since && at <= to) {
      cut.push([since, at, now]);
      since = at;
    }
    if (at <= to) now = next ?? "none";
  }
  if (to > since) cut.push([since, to, now]);
  return cut;
}

/** Draws a real's conditions over time into an svg: one path a condition. `absences` are when no daemon ran. */
function drawStrip(svg, changes, from, to, absences = []) {
  const scale = WIDTH / (to - from);
  const paths = {};
  const spent = {};
  const add = (kind, begin, end, [y, height]) => {
    const left = Math.max(0, (begin - from) * scale);
    const width = Math.max(Math.min(WIDTH, (end - from) * scale) - left, ["failing", "recovering", "down"].includes(kind) ? 3 : 0);
    const x = Math.min(left, WIDTH - width);
    paths[kind] = `${paths[kind] ?? ""}M${x.toFixed(1)} ${y}h${width.toFixed(1)}v${height}h-${width.toFixed(1)}z`;
  };
  for (const [begin, end, kind] of pieces(changes, from, to)) {
    add(kind, begin, end, HEIGHTS[kind]);
    spent[kind] = (spent[kind] ?? 0) + end - begin;
  }
  for (const [begin, end] of absences) if (end > from && begin < to) add("absent", begin, end, [0, 20]);
  const drawn = JSON.stringify(paths);
  if (svg.dataset.drawn === drawn) return;
  svg.dataset.drawn = drawn;
  svg.replaceChildren(
    ...["none", "waiting", "up", "recovering", "failing", "down", "absent"]
      .filter((kind) => paths[kind])
      .map((kind) => shape("path", { d: paths[kind], class: kind })),
  );
  const told = ["up", "recovering", "failing", "down"].filter((kind) => spent[kind]);
  svg.setAttribute("aria-label", told.map((kind) => `${kind} ${span(spent[kind])}`).join(", ") || "nothing known");
}

function newStrip() {
  return shape("svg", { viewBox: `0 0 ${WIDTH} 20`, preserveAspectRatio: "none", class: "strip", role: "img" });
}

/** The words of the search box, lower-case. */
const wordsOf = (field) => field.value.toLowerCase().split(/\s+/).filter(Boolean);

/** Whether a choice is pressed; `turn` presses or releases it. */
const pressed = (button) => button.getAttribute("aria-pressed") === "true";
const turn = (button, on = !pressed(button)) => button.setAttribute("aria-pressed", String(on));

/** Has "/" lead to the search box, and Escape empty it; `changed` is called when its words are others. */
function searchBy(field, changed) {
  field.addEventListener("input", changed);
  field.form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== field && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && event.target === field) {
      field.value = "";
      field.blur();
      changed();
    }
  });
}
