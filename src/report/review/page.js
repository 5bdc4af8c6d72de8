"use strict";
// Draws the tasks of a run: cards that are drawn when they come into view, and one task at a time in full.

const tasks = JSON.parse(document.getElementById("data").textContent).tasks;
const [cards, detail, search, sort, shown] = ["cards", "detail", "search", "sort", "shown"].map((id) => document.getElementById(id));
const filters = [...document.querySelectorAll("[data-filter]")];
let visible = [];
let open = null;

// ---- small pieces

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const rows = (grid) => grid.split("/");
const shape = (grid) => `${rows(grid).length} × ${rows(grid)[0].length}`;
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// The cells in which two grids of one shape differ; null where their shapes do.
function difference(grid, truth) {
  if (shape(grid) !== shape(truth)) return null;
  const other = rows(truth);
  const cells = [];
  rows(grid).forEach((row, r) => [...row].forEach((cell, c) => { if (cell !== other[r][c]) cells.push([r, c]); }));
  return cells;
}

// ---- grids

// Draws a grid in a box of `width` x `height` CSS pixels, cells at most `largest`, marked cells with a cross of two inks.
function draw(canvas, grid, width, height, largest, marked = []) {
  const lines = rows(grid);
  const cell = Math.max(2, Math.min(largest, Math.floor(width / lines[0].length), Math.floor(height / lines.length)));
  const [w, h] = [cell * lines[0].length + 1, cell * lines.length + 1];
  const ratio = Math.max(1, Math.ceil(window.devicePixelRatio || 1));
  canvas.width = w * ratio;
  canvas.height = h * ratio;
  canvas.style.width = `${w}px`;
  canvas.style.height = `${h}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.fillStyle = "#555555";
  pen.fillRect(0, 0, w, h);
  const gap = cell >= 5 ? 1 : 0;
  lines.forEach((line, r) => [...line].forEach((colour, c) => {
    pen.fillStyle = PALETTE[colour];
    pen.fillRect(c * cell + gap, r * cell + gap, cell - gap, cell - gap);
  }));
  for (const [r, c] of marked) {
    for (const [ink, thick] of [["#000000", 3.5], ["#ffffff", 1.5]]) {
      const [x, y, reach] = [c * cell + cell / 2 + 0.5, r * cell + cell / 2 + 0.5, Math.max(1.5, cell / 4)];
      pen.strokeStyle = ink;
      pen.lineWidth = thick;
      pen.beginPath();
      pen.moveTo(x - reach, y - reach);
      pen.lineTo(x + reach, y + reach);
      pen.moveTo(x - reach, y + reach);
      pen.lineTo(x + reach, y - reach);
      pen.stroke();
    }
  }
}

function figure(caption, grid, options = {}) {
  const { width = 300, height = 300, largest = 22, marked = [], right = false } = options;
  const label = element("figcaption", right ? { class: "right" } : {}, caption);
  const frame = { style: `max-width: ${width + 1}px` };
  if (grid === undefined) return element("figure", frame, label, element("div", { class: "none" }, "not known"));
  if (grid === "") return element("figure", frame, label, element("div", { class: "none" }, "an empty board"));
  const canvas = element("canvas", { role: "img", "aria-label": `${caption}: ${grid}` });
  draw(canvas, grid, width, height, largest, marked);
  return element("figure", frame, label, canvas);
}

// A grid beside the truth: what is right or wrong about it is said and marked.
function judged(name, grid, truth, options = {}) {
  if (truth === undefined || grid === "") return figure(name, grid, options);
  const cells = difference(grid, truth);
  if (cells === null) return figure(`${name}: ${shape(grid)} in place of ${shape(truth)}`, grid, options);
  if (cells.length === 0) return figure(`${name}: right`, grid, { ...options, right: true });
  return figure(`${name}: ${counted(cells.length, "cell")} wrong`, grid, { ...options, marked: cells });
}

// ---- cards

const thumbnails = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    thumbnails.unobserve(target);
    const test = tasks[target.dataset.place].tests[0];
    const grid = test.attempts[0] || test.input;
    const cells = test.truth === undefined ? [] : difference(grid, test.truth) || [];
    draw(target.querySelector("canvas"), grid, 127, 127, 16, tasks[target.dataset.place].verdict === "missed" ? cells : []);
  }
}, { rootMargin: "400px" });

function verdict(task) {
  return element("span", { class: "verdict", "data-verdict": task.verdict }, task.verdict);
}

const made = tasks.map((task, place) => {
  const card = element("button", { type: "button", class: "card", "data-place": place, "data-verdict": task.verdict, onclick: () => show(place) },
    element("span", { class: "picture", "aria-hidden": "true" }, element("canvas")), element("span", { class: "id" }, task.id), verdict(task));
  thumbnails.observe(card);
  return card;
});

// ---- filter, sort, search

const share = (task) => {
  const first = task.tests.map((test) => (test.candidates.length ? test.candidates[0].votes : 0));
  return task.views ? first.reduce((sum, votes) => sum + votes, 0) / task.views : 0;
};
const halt = (task) => (task.tests[0].candidates.length ? task.tests[0].candidates[0].halt : -1);
const ORDERS = {
  order: () => 0,
  id: (a, b) => (a.id < b.id ? -1 : 1),
  side: (a, b) => a.side - b.side,
  share: (a, b) => share(b) - share(a),
  halt: (a, b) => halt(b) - halt(a),
  seconds: (a, b) => b.seconds - a.seconds,
};

function list() {
  const wanted = filters.find((button) => button.getAttribute("aria-pressed") === "true").dataset.filter;
  const word = search.value.trim().toLowerCase();
  const fits = (task) => (!wanted || task.verdict === wanted) && task.id.toLowerCase().includes(word);
  visible = tasks.map((_, place) => place).filter((place) => fits(tasks[place]));
  visible.sort((a, b) => ORDERS[sort.value](tasks[a], tasks[b]) || a - b);
  cards.replaceChildren(...visible.map((place) => made[place]));
  shown.textContent = visible.length ? counted(visible.length, "task") : "no task has that";
}

for (const button of filters) {
  button.addEventListener("click", () => {
    for (const other of filters) other.setAttribute("aria-pressed", String(other === button));
    list();
  });
}
sort.addEventListener("change", list);
search.addEventListener("input", list);

// ---- one task in full

function show(place) {
  open = place;
  const task = tasks[place];
  const room = Math.min(window.innerWidth, 1060) - 44;
  const width = Math.max(110, Math.min(300, Math.floor(room > 700 ? (room - 80) / 4 : (room - 40) / 2)));
  const size = { width, height: 300 };
  const small = { width: Math.min(150, width), height: 150, largest: 14 };
  const content = element("div", { class: "content" });
  content.append(element("h3", {}, "Demonstrations"));
  content.append(element("div", { class: "row" }, ...task.train.map(([input, output], i) => element("div", { class: "pair" },
    figure(`input ${i + 1}`, input, { ...size, largest: 16 }), element("span", { "aria-hidden": "true" }, "→"), figure(`output ${i + 1}`, output, { ...size, largest: 16 })))));
  task.tests.forEach((test, i) => content.append(...answered(task, test, i, size, small)));
  const step = (by) => element("button", { type: "button", onclick: () => move(by), "aria-label": by < 0 ? "previous task" : "next task" }, by < 0 ? "←" : "→");
  const bar = element("div", { class: "bar" }, element("h2", { id: "detail-title" }, task.id), verdict(task),
    element("span", { class: "soft" }, `${counted(task.views, "prediction")}, ${task.seconds} s`),
    element("div", { class: "buttons" }, step(-1), step(1), element("button", { type: "button", onclick: () => detail.close() }, "close")));
  detail.replaceChildren(bar, content);
  if (!detail.open) detail.showModal();
  detail.scrollTop = 0;
  history.replaceState(null, "", `#${encodeURIComponent(task.id)}`);
}

function answered(task, test, i, size, small) {
  const name = task.tests.length > 1 ? `Test ${i + 1}` : "Test";
  const parts = [element("h3", {}, name), element("div", { class: "row" }, figure("input", test.input, size),
    ...test.attempts.map((grid, k) => judged(`attempt ${k + 1}`, grid, test.truth, size)), figure("truth", test.truth, size))];
  if (test.candidates.length) {
    const votes = (candidate) => `${candidate.place + 1}. ${counted(candidate.votes, "vote")}, halting ${candidate.halt}`;
    parts.push(element("h3", {}, "Candidates by votes"), element("div", { class: "row small" },
      ...test.candidates.map((candidate) => judged(votes(candidate), candidate.grid, test.truth, small))));
    if (test.others[0]) parts.push(element("p", { class: "soft" }, `and ${counted(test.others[0], "other")} with ${counted(test.others[1], "vote")}`));
  }
  if (test.steps.length) {
    parts.push(element("h3", {}, "The first view's answer after each supervision step"), element("div", { class: "row small" },
      ...test.steps.map((grid, step) => judged(`step ${step + 1}`, grid, test.truth, small))));
  }
  return parts;
}

function move(by) {
  const next = visible[visible.indexOf(open) + by];
  if (next !== undefined) show(next);
}

detail.addEventListener("close", () => {
  history.replaceState(null, "", location.pathname + location.search);
  if (open !== null) made[open].focus();
});
detail.addEventListener("click", (event) => { if (event.target === detail) detail.close(); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target === search || event.target === sort;
  if (detail.open) {
    if (event.key === "ArrowLeft" || event.key === "k") move(-1);
    if (event.key === "ArrowRight" || event.key === "j") move(1);
  } else if (event.key === "/" && !typing) {
    event.preventDefault();
    search.focus();
  }
});

list();
const asked = tasks.findIndex((task) => task.id === decodeURIComponent(location.hash.slice(1)));
if (asked >= 0) show(asked);
// How long a reader waited, for those who measure.
document.documentElement.dataset.readyAfterMs = Math.round(performance.now());
