"use strict";
// The head of the live page: one sentence that says how things are, what the daemon complains of, and a few figures.

function drawVerdict(overview, panels, now) {
  const reals = panels.flatMap((panel) => [...panel.reals.values()]);
  const inUse = reals.filter(inRotation);
  const waiting = inUse.filter((real) => real.condition === "waiting").length;
  const down = inUse.filter((real) => real.healthy === false).length - waiting;
  const aside = reals.length - inUse.length;
  const unsettled = panels.filter((panel) => panel.head.balancer && panel.head.mode !== "available");
  const apart = reals.filter((real) => !real.in_step).length + panels.filter((panel) => !panel.head.in_step).length;
  say(byId("host"), overview.host);
  document.title = `${down ? `${down} down · ` : ""}${overview.host} · kglb-actors`;
  const found = [...overview.complaints, ...rejection(overview.config), ...panels.flatMap(unresolved)];
  const tone = unsettled.length || found.length ? "bad" : down || apart ? "warning" : "good";
  const text = verdictText(inUse.length, down, waiting, unsettled, found.length);
  const verdict = byId("verdict");
  if (verdict.dataset.shown !== tone + text) {
    verdict.dataset.shown = tone + text;
    verdict.replaceChildren(icon(tone), el("span", { text }));
  }
  const complaints = byId("complaints");
  const said = found.join("\n");
  if (complaints.dataset.shown !== said) {
    complaints.dataset.shown = said;
    complaints.replaceChildren(...found.map((complaint) => el("li", {}, icon("bad"), el("span", { text: complaint }))));
  }
  drawFigures({
    "Reals up": `${inUse.length - down - waiting} of ${inUse.length}`,
    ...(aside ? { "Out of rotation": String(aside) } : {}),
    Kernel: apart ? `${plural(apart, "entry", "entries")} out of step` : "in step",
    Addresses: `${overview.addresses.filter((address) => address.in_kernel).length} of ${overview.addresses.length} there`,
    ...(overview.routes.length ? { Routes: `${overview.routes.filter((route) => route.announced).length} of ${overview.routes.length} announced` } : {}),
    Journal: overview.journal.degraded ? "degraded" : `record ${overview.seq}, ${overview.journal.unwritten ? `${overview.journal.unwritten} unwritten` : "written"}`,
    Drift: overview.drift.count ? `${overview.drift.count} found${overview.drift.last ? `, last ${span(now - overview.drift.last.at)} ago` : ""}` : "none",
    Running: `${span(now - overview.started)}, version ${overview.version}`,
  });
}

function rejection(config) {
  const rejected = config && config.rejected;
  return rejected ? [`${rejected.source} was rejected, the previous one stays in force: ${rejected.errors.join("; ")}`] : [];
}

function unresolved({ head }) {
  return Object.entries(head.unresolved).map(([host, said]) => `${head.balancer}: ${host} has no address: ${said}`);
}

function verdictText(count, down, waiting, unsettled, complaints) {
  const standing = ({ mode }) => (mode === "backup" ? "on its backups" : (mode ?? "undecided").replace("_", " "));
  const modes = unsettled.slice(0, 3).map((panel) => `${panel.head.balancer} is ${standing(panel.head)}`);
  const more = unsettled.length > 3 ? `, and ${unsettled.length - 3} more` : "";
  const unasked = waiting ? `${waiting} of ${plural(count, "real")} not checked yet` : null;
  const reals = waiting && !down ? unasked : down ? `${down} of ${plural(count, "real")} ${down === 1 ? "is" : "are"} down` : count ? `All ${plural(count, "real")} are up` : "No reals";
  return [reals, down ? unasked : null, modes.length ? modes.join(", ") + more : null, complaints ? plural(complaints, "complaint") : null].filter(Boolean).join("; ");
}

function drawFigures(figures) {
  const list = byId("figures");
  const names = Object.keys(figures).join();
  if (list.dataset.names !== names) {
    list.dataset.names = names;
    list.replaceChildren(...Object.keys(figures).map((name) => el("div", {}, el("dt", { text: name }), el("dd"))));
  }
  Object.values(figures).forEach((text, index) => say(list.children[index].lastElementChild, text));
}
