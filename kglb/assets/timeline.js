"use strict";
// What the report's timelines share: its data, one scale of time, and how a timeline is read by pointer and keyboard.

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

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

/**
 * Seconds that a real was in doubt, and out: down and until it was up again, or nothing more is known. What came before
 * its first verdict is neither.
 */
function spentIn(conditions, until) {
  const spent = { failing: 0, out: 0 };
  let fell = false;
  for (const [from, to, kind] of pieces(conditions, begin, until)) {
    if (kind === "down") fell = true;
    if (kind === "up") fell = false;
    if (kind === "failing") spent.failing += to - from;
    if (fell && (kind === "down" || kind === "recovering")) spent.out += to - from;
  }
  return spent;
}

const x = (at) => ((Math.min(Math.max(at, begin), end) - begin) / (end - begin)) * WIDTH;

/** A step line: what is in force holds until the next, the last as long as something is known. */
function stepPath(points, y, until) {
  let path = "";
  for (const [at, value] of points) path += path ? `H${x(at).toFixed(1)}V${y(value).toFixed(1)}` : `M${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  return path && `${path}H${x(until).toFixed(1)}`;
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
