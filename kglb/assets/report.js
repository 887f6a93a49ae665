"use strict";
// The report: draws what is in the page, and asks nobody for anything.

const MOST_SHOWN = 500; // events in the list at once; the filter reaches all
const RECORDS = 10_000_000_000; // as kglb.replay.report

const filter = () => ({ words: wordsOf(byId("query")), trouble: pressed(byId("trouble")) });

function wanted(event) {
  if (event.tone === "quiet" && !byId("quiet").checked) return false;
  const { words, trouble } = filter();
  const text = `${event.host ?? ""} ${event.balancer} ${event.service ?? ""} ${event.type} ${event.text} ${event.reals.join(" ")}`.toLowerCase();
  return words.every((word) => text.includes(word)) && (!trouble || event.tone === "bad" || event.tone === "warning");
}

const stretchOf = new Map(data.stretches.map((stretch) => [data.stretches.length > 1 ? stretch.director : "", stretch]));
const stories = data.balancers.map((balancer) => new Story(balancer, stretchOf.get(balancer.director)));
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
  const worst = stories.filter((story) => story.noneUp > 0);
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
searchBy(byId("query"), show);
byId("quiet").addEventListener("change", show);
byId("trouble").addEventListener("click", (event) => {
  turn(event.currentTarget);
  show();
});
document.addEventListener("scroll", hideTip, { passive: true });
