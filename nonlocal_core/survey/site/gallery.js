// Page of a survey: filters, a histogram that is a filter, and cards of which only those in sight are in the page.
const survey = JSON.parse(document.getElementById("survey").textContent);
const { rows, figures } = survey;
const [WIDTH, GAP, BARS] = [260, 10, 40], HEIGHT = rows.elsewhere.some(Boolean) ? 226 : 190;
const by = (id) => document.getElementById(id);
const [field, bars] = [by("field"), by("bars")];
const several = new Set(rows.model).size > 1;
let range = null, shown = [];

const make = (name, parent, text = "") => {
    const element = parent.appendChild(document.createElement(name));
    element.textContent = text;
    return element;
};
const fill = (id, words) => words.forEach(([value, title]) => { make("option", by(id), title).value = value; });
const number = (value, figure) => value === null ? "none"
    : figure.share ? `${(100 * value).toPrecision(3)} %` : String(Number(value.toPrecision(3)));
const distinct = (column) => [...new Set(column)].map((value) => [value, value]);

function matching(withRange) {
    const [model, block, words] = [by("model").value, by("block").value, by("words").value.toLowerCase()];
    const column = rows[by("figure").value];
    const found = [];
    for (let i = 0; i < rows.clip.length; i += 1) {
        if (model && rows.model[i] !== model) continue;
        if (block === "*first" ? !rows.first[i] : block && rows.block[i] !== block) continue;
        if (words && !`${rows.name[i]} ${rows.answer[i]}`.toLowerCase().includes(words)) continue;
        if (withRange && range && !(column[i] !== null && column[i] >= range[0] && column[i] <= range[1])) continue;
        found.push(i);
    }
    return found;
}

function histogram() {
    const name = by("figure").value, column = rows[name], figure = figures.find((one) => one.name === name);
    const values = matching(false).map((i) => column[i]).filter((value) => value !== null);
    const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    const step = (high - low) / BARS || 1, counts = new Array(BARS).fill(0);
    for (const value of values) counts[Math.min(BARS - 1, Math.floor((value - low) / step))] += 1;
    const most = Math.max(...counts);
    bars.replaceChildren();
    by("ends").replaceChildren();
    if (!values.length) { make("span", by("ends"), "No clip has this figure."); return; }
    counts.forEach((count, i) => {
        const from = low + i * step, to = i === BARS - 1 ? high : from + step, bar = make("button", bars);
        make("i", bar).style.height = `${100 * count / most}%`;
        bar.title = `${number(from, figure)} to ${number(to, figure)}: ${count}`;
        bar.setAttribute("aria-label", bar.title);
        bar.setAttribute("aria-pressed", String(Boolean(range && from >= range[0] && to <= range[1])));
        bar.onclick = (event) => {
            range = event.shiftKey && range ? [Math.min(range[0], from), Math.max(range[1], to)]
                : range && range[0] === from && range[1] === to ? null : [from, to];
            update();
        };
    });
    make("span", by("ends"), number(low, figure));
    make("span", by("ends"), number(high, figure));
    by("meaning").textContent = figure.meaning;
}

function update() {
    histogram();
    const name = by("figure").value, down = by("order").value === "down", column = rows[name];
    const key = (i) => column[i] === null ? (down ? -Infinity : Infinity) : column[i];
    shown = matching(true);
    if (by("order").value !== "list") shown.sort((a, b) => (down ? key(b) - key(a) : key(a) - key(b)) || a - b);
    by("count").textContent = `${shown.length.toLocaleString("en")} of ${rows.clip.length.toLocaleString("en")} rows, ` +
        (range ? "within the marked bars; click them again to see all" : "one for each clip, network and block");
    draw();
}

function draw() {
    const across = Math.max(1, Math.floor((field.clientWidth + GAP) / (WIDTH + GAP)));
    const lines = Math.ceil(shown.length / across), wide = (field.clientWidth + GAP) / across - GAP;
    field.style.height = `${lines * (HEIGHT + GAP)}px`;
    const above = -field.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / (HEIGHT + GAP)) - 1);
    const last = Math.min(lines, Math.ceil((above + window.innerHeight) / (HEIGHT + GAP)) + 1);
    const wanted = shown.slice(first * across, Math.max(first, last) * across);
    const kept = new Map([...field.children].map((card) => [Number(card.dataset.row), card]));
    wanted.forEach((row, k) => {
        const card = kept.get(row) ?? makeCard(row), place = first * across + k;
        kept.delete(row);
        card.style.width = `${wide}px`;
        card.style.height = `${HEIGHT}px`;
        card.style.left = `${(place % across) * (wide + GAP)}px`;
        card.style.top = `${Math.floor(place / across) * (HEIGHT + GAP)}px`;
        const told = card.firstChild.lastChild, figure = figures.find((one) => one.name === by("figure").value);
        told.textContent = "";
        make("em", told, `${figure.title}: ${number(rows[figure.name][row], figure)}`);
        if (field.children[k] !== card) field.insertBefore(card, field.children[k] ?? null);
    });
    kept.forEach((card) => card.remove());
}

function makeCard(row) {
    const viewer = rows.viewer[row], card = document.createElement("div");
    const shown = card.appendChild(document.createElement(viewer ? "a" : "span"));
    card.dataset.row = row;
    if (viewer) shown.href = viewer;
    shown.title = `${rows.clip[row]} · ${rows.model[row]} · ${rows.block[row]}`;
    const picture = make("img", shown);
    picture.src = rows.picture[row];
    picture.alt = `Heat of ${rows.name[row]}: the frame that is asked, and the one it looks at most`;
    make("b", shown, rows.name[row]);
    make("small", shown, [several && rows.model[row], rows.block[row], rows.answer[row]].filter(Boolean).join(" · "));
    make("small", shown);
    if (rows.elsewhere[row]) {
        const button = make("button", card, "In other clips");
        button.type = "button";
        button.onclick = () => showElsewhere(row);
    }
    return card;
}

/** A frame of a clip with a ring at a place of it, cut out of the picture of all its frames. */
function makeStill(parent, place, [frame, x, y], words, href) {
    const { file, frames, size: [width, height] } = survey.stills[place];
    const still = parent.appendChild(document.createElement(href ? "a" : "span")), picture = make("img", still), ring = make("i", still);
    if (href) still.href = href;
    still.className = "still";
    still.style.aspectRatio = `${width / frames} / ${height}`;
    picture.src = file;
    picture.alt = words;
    picture.style.width = `${100 * frames}%`;
    picture.style.left = `${-100 * frame}%`;
    ring.style.left = `${100 * x}%`;
    ring.style.top = `${100 * y}%`;
}

function showElsewhere(row) {
    const { place, point, found } = rows.elsewhere[row], of = (other) => survey.stills[other].name;
    const asking = rows.elsewhere.map((each, i) => [each?.place, i]).filter(([, i]) => rows.model[i] === rows.model[row]);
    const viewers = new Map(asking.map(([other, i]) => [other, rows.viewer[i]]));
    by("asked").textContent = `From ${of(place)}, ${rows.model[row]}, ${rows.block[row]}`;
    by("stills").replaceChildren();
    const asks = make("figure", by("stills"));
    makeStill(asks, place, point, `${of(place)}, the place that asks`);
    make("figcaption", asks, `asks: frame ${point[0] + 1}`);
    found.forEach(([other, frame, x, y, score, times], n) => {
        const figure = make("figure", by("stills")), words = `${n + 1}. ${of(other)}, frame ${frame + 1}`;
        makeStill(figure, other, [frame, x, y], words, viewers.get(other));
        make("figcaption", figure, `${words}: score ${number(score, {})}, ${number(times, {})} × an even share`);
    });
    by("elsewhere").showModal();
}

const cell = (value) => {
    const text = value === null ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text; // else a formula
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll("\"", "\"\"")}"` : safe;
};

by("csv").onclick = () => {
    const names = ["clip", "answer", "model", "block", ...figures.map((figure) => figure.name)];
    const lines = [["filepath", ...names.slice(1)], ...shown.map((row) => names.map((name) => rows[name][row]))];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.map((line) => line.map(cell).join(",") + "\n").join("")]));
    link.download = "selection.csv";
    link.click();
    URL.revokeObjectURL(link.href);
};

fill("model", [...(several ? [["", "all"]] : []), ...distinct(rows.model)]);
fill("block", [["*first", "shown first"], ["", "all"], ...distinct(rows.block)]);
fill("figure", figures.map((figure) => [figure.name, figure.title]));
fill("order", [["down", "largest first"], ["up", "smallest first"], ["list", "as listed"]]);
by("figure").value = figures.find(({ name }) => matching(false).some((i) => rows[name][i] !== null))?.name ?? figures[0].name;
for (const id of ["model", "block", "figure"]) by(id).onchange = () => { range = null; update(); };
by("order").onchange = update;
by("words").oninput = () => { range = null; update(); };
survey.failed.forEach(([clip, reason]) => make("li", by("failed"), `${clip}: ${reason}`));
by("failures").hidden = !survey.failed.length;
by("failures").firstElementChild.textContent = `Clips without figures: ${survey.failed.length.toLocaleString("en")}`;
addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
addEventListener("resize", draw);
update();
