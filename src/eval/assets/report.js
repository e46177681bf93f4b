// Draws the report from the data that lie in the page. uPlot draws curves; the heat map is a canvas of our own.
"use strict";
(() => {
  const report = JSON.parse(document.getElementById("data").textContent);
  const runs = report.runs;
  const page = document.getElementById("page");
  page.textContent = "";
  // Okabe and Ito's colours, which people who see colours differently can tell apart.
  const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c6d31", "#6a3d9a", "#b15928"];
  const colour = (i) => colours[i % colours.length];
  const charts = [];  // drawn again when colours change

  // ---- Small helpers.
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    for (const child of children) element.append(child);
    return element;
  };
  const section = (title, ...children) => {
    const element = make("section", {}, make("h2", {}, title), ...children);
    page.append(element);
    return element;
  };
  const count = (value) => value.toLocaleString("en-US");
  const percent = (value, digits = 2) => (value == null ? "–" : (100 * value).toFixed(digits) + " %");
  const number = (value, digits = 4) => (value == null ? "–" : Number(value.toPrecision(digits)).toString());
  const duration = (seconds) => {
    if (seconds == null) return "–";
    const s = Math.round(seconds);
    if (s < 60) return seconds.toFixed(1) + " s";
    if (s < 3600) return Math.floor(s / 60) + " min " + String(s % 60).padStart(2, "0") + " s";
    const minutes = Math.floor((s % 3600) / 60);
    return Math.floor(s / 3600) + " h" + (minutes ? " " + minutes + " min" : "");
  };
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const table = (head, rows) =>
    make("div", {class: "wide"}, make("table", {},
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", {}, text)))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell)))))));
  const named = (i) => make("span", {}, make("span", {class: "swatch", style: "background:" + colour(i)}), runs[i].name);
  const wilson = (right, images) => {
    const z = 1.959963984540054, p = right / images, wide = 1 + z * z / images;
    const centre = (p + z * z / (2 * images)) / wide;
    const half = z / wide * Math.sqrt(p * (1 - p) / images + z * z / (4 * images * images));
    return [centre - half, centre + half];
  };

  // ---- Light and dark.
  const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const setTheme = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    for (const draw of charts) draw();
  };
  document.getElementById("theme").addEventListener("click", () => setTheme(root.dataset.theme !== "dark"));
  system.addEventListener("change", (event) => setTheme(event.matches));
  root.dataset.theme = system.matches ? "dark" : "light";

  // ---- What the runs came to.
  section(runs.length > 1 ? "What they came to" : "What it came to",
    table(["run", "model", "parameters", "epochs", "best validation", "test", "top-5", "time", "limit"],
      runs.map((run, i) => {
        // A run that has not ended may have gone on after its result.json was written: its log knows more.
        const ended = run.result && run.result.interrupted === false, result = ended ? run.result : {}, timing = result.timing || {};
        const past = run.history, last = (column) => (column.length ? column[column.length - 1] : 0);
        const test = result.test || (run.test && {top1: run.test.top1 / run.test.images, top5: run.test.top5 / run.test.images, samples: run.test.images});
        const validated = past.val_top1.filter((value) => value != null);
        return [named(i), run.model, count(run.params), ended ? count(result.epochs) : count(last(past.epoch)) + ", not ended",
          percent(ended ? result.val && result.val.top1 : validated.length ? Math.max(...validated) : null),
          test ? percent(test.top1) + " (" + wilson(test.top1 * test.samples, test.samples).map((share) => (100 * share).toFixed(1)).join(" to ") + ")" +
            (!ended ? " so far" : result.test_complete === false ? " of " + count(test.samples) + " images" : "") : "–",
          percent(test && test.top5), duration(ended ? timing.wall_seconds : 60 * last(past.minutes)),
          timing.limit_seconds ? (100 * timing.wall_seconds / timing.limit_seconds).toFixed(1) + " % of " + duration(timing.limit_seconds) : "–"];
      })),
    make("p", {class: "soft"}, "In brackets: Wilson's 95 % interval."));

  // ---- Curves.
  const sync = uPlot.sync("curves");
  let axis = "epoch";
  const series = (pairs) => {
    // One column of x for all runs: uPlot joins them.
    const tables = [], described = [{label: axis}];
    runs.forEach((run, i) => {
      const x = run.history[axis];
      if (!x || x.length === 0) return;
      const columns = [x];
      for (const [key, label, dash] of pairs) {
        const y = run.history[key];
        if (!y || y.every((value) => value == null)) continue;
        columns.push(y);
        described.push({
          label: (runs.length > 1 ? run.name + " " : "") + label, stroke: colour(runs.length > 1 ? i : pairs.findIndex((p) => p[0] === key)),
          width: 1.8, dash: dash && runs.length > 1 ? [5, 4] : undefined, spanGaps: true, points: {show: y.filter((value) => value != null).length < 2},
          value: (_, value) => (value == null ? "–" : Math.abs(value) < 1 ? number(value) : value.toFixed(4)),
        });
      }
      if (columns.length > 1) tables.push(columns);
    });
    return tables.length === 0 ? null : [uPlot.join(tables), described];
  };
  // What a mouse does by uPlot itself a finger does by this: point, and drag sideways to zoom all charts. Down the page it scrolls.
  const fingers = (plot) => {
    const over = plot.over, nothing = {left: 0, top: 0, width: 0, height: 0};
    let begin = null;
    const at = (event) => Math.min(Math.max(event.clientX - over.getBoundingClientRect().left, 0), over.clientWidth);
    const show = (event) => {
      if (begin === null) return;
      plot.setCursor({left: at(event), top: over.clientHeight / 2});
      plot.setSelect({left: Math.min(begin, at(event)), top: 0, width: Math.abs(at(event) - begin), height: over.clientHeight}, false);
    };
    over.style.touchAction = "pan-y";
    over.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") return;
      begin = at(event);
      show(event);
    });
    over.addEventListener("pointermove", show);
    over.addEventListener("pointercancel", () => { begin = null; plot.setSelect(nothing, false); });
    over.addEventListener("pointerup", (event) => {
      if (begin === null) return;
      const [min, max] = [begin, at(event)].sort((a, b) => a - b).map((left) => plot.posToVal(left, "x"));
      const far = Math.abs(at(event) - begin) > 20;
      begin = null;
      plot.setSelect(nothing, false);
      if (far) for (const one of sync.plots) one.setScale("x", {min, max});
    });
  };
  const chart = (grid, title, pairs, options = {}) => {
    const box = make("div", {class: "chart"}, make("h3", {}, title));
    grid.append(box);
    let plot = null;
    const draw = () => {
      const hidden = plot ? plot.series.map((one) => !one.show) : [];
      if (plot) plot.destroy();
      const data = series(pairs);
      if (!data) return box.remove();
      const line = {stroke: style("--soft"), grid: {stroke: style("--line"), width: 1}, ticks: {stroke: style("--line"), width: 1}};
      plot = new uPlot({
        width: Math.max(260, box.clientWidth), height: 260, series: data[1].map((one, i) => (hidden[i] ? {...one, show: false} : one)),
        scales: {x: {time: false}, y: options.log ? {distr: 3} : {}},
        axes: [line, {...line, size: 64, values: options.values}],
        cursor: {sync: {key: sync.key}, drag: {x: true, y: false}},
        legend: {live: true},
      }, data[0], box);
      fingers(plot);
    };
    draw();
    charts.push(draw);
    new ResizeObserver(() => plot && plot.setSize({width: Math.max(260, box.clientWidth), height: 260})).observe(box);
  };
  const curves = make("div", {class: "charts"});
  const axes = make("div", {class: "row"}, "along");
  for (const [key, label] of [["epoch", "epochs"], ["steps", "steps"], ["minutes", "minutes"]]) {
    const button = make("button", {type: "button", "aria-pressed": key === axis, onclick: () => {
      axis = key;
      for (const other of axes.querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
      for (const draw of charts) draw();
    }}, label);
    axes.append(button);
  }
  section("Curves", axes, curves, make("p", {class: "soft"},
    "Drag to zoom, double-click to see all again; a name in the legend hides or shows its curve."));
  const shares = (_, ticks) => {
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
    return ticks.map((tick) => (100 * tick).toFixed(step < 0.00099 ? 2 : step < 0.0099 ? 1 : 0) + " %");
  };
  chart(curves, "Loss", [["train_loss", "training"], ["val_loss", "validation", true]]);
  chart(curves, "Top-1", [["train_top1", "training"], ["val_top1", "validation", true], ["ema_top1", "average of weights", true]], {values: shares});
  chart(curves, "Learning rate", [["lr", "learning rate"]]);
  chart(curves, "Images a second", [["images_per_second", "training"]]);

  // ---- What the test images say, run by run.
  const tested = runs.map((run, i) => [run, i]).filter(([run]) => run.test);
  const choose = (text, draw) => {
    const body = make("div");
    const select = make("select", {"aria-label": "run"}, ...tested.map(([run], k) => make("option", {value: k}, run.name)));
    const show = () => {
      body.textContent = "";
      draw(body, tested[select.value || 0][0].test, tested[select.value || 0][1]);
    };
    select.addEventListener("change", show);
    section(text, ...(tested.length > 1 ? [make("div", {class: "row"}, select)] : []), body);
    show();
    charts.push(show);
  };

  const heatmap = (body, test) => {
    const n = test.names.length, cells = new Map(test.confusion.map(([at, value]) => [at, value]));
    const orders = {
      "by name": [...Array(n).keys()].sort((a, b) => test.names[a].localeCompare(test.names[b])),
      "by accuracy": [...Array(n).keys()].sort((a, b) => test.classes[b][4] - test.classes[a][4]),
    };
    if (test.superclass_of.length) {
      orders["by superclass"] = [...Array(n).keys()].sort((a, b) => test.superclass_of[a] - test.superclass_of[b] || a - b);
    }
    const most = Math.max(1, ...test.confusion.map(([, value]) => value));
    const canvas = make("canvas", {role: "img", "aria-label": "confusion matrix"}), tip = make("p", {class: "tip soft"});
    let order = orders[test.superclass_of.length ? "by superclass" : "by name"];
    const mix = (a, b, t) => {
      const part = (hex, k) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
      return "rgb(" + [0, 1, 2].map((k) => Math.round(part(a, k) + t * (part(b, k) - part(a, k)))).join(",") + ")";
    };
    const draw = () => {
      const scale = Math.max(4, Math.ceil(900 / n));
      canvas.width = canvas.height = n * scale;
      const context = canvas.getContext("2d"), low = style("--heat-low"), high = style("--heat-high");
      context.fillStyle = low;
      context.fillRect(0, 0, canvas.width, canvas.height);
      for (let y = 0; y < n; ++y) {
        for (let x = 0; x < n; ++x) {
          const value = cells.get(order[y] * n + order[x]);
          if (!value) continue;
          context.fillStyle = mix(low, high, Math.log1p(value) / Math.log1p(most));
          context.fillRect(x * scale, y * scale, scale, scale);
        }
      }
      if (order !== orders["by superclass"]) return;
      context.strokeStyle = style("--mark");
      for (let begin = 0, end = 0; begin < n; begin = end) {
        while (end < n && test.superclass_of[order[end]] === test.superclass_of[order[begin]]) ++end;
        context.strokeRect(begin * scale + .5, begin * scale + .5, (end - begin) * scale - 1, (end - begin) * scale - 1);
      }
    };
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      const x = Math.floor((event.clientX - box.left) / box.width * n), y = Math.floor((event.clientY - box.top) / box.height * n);
      if (x < 0 || y < 0 || x >= n || y >= n) return;
      const label = order[y], guess = order[x], value = cells.get(label * n + guess) || 0;
      tip.textContent = test.names[label] + (label === guess ? ", taken for itself: " : ", taken for " + test.names[guess] + ": ") +
        value + " of " + test.classes[label][0];
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("pointerleave", (event) => {  // a finger leaves with every tap
      if (event.pointerType !== "touch") tip.textContent = "Rows are labels, columns guesses. Point at a cell.";
    });
    tip.textContent = "Rows are labels, columns guesses. Point at a cell.";
    const buttons = make("div", {class: "row"});
    for (const [name, one] of Object.entries(orders)) {
      const button = make("button", {type: "button", "aria-pressed": one === order, onclick: () => {
        order = one;
        for (const other of buttons.children) other.setAttribute("aria-pressed", other === button);
        draw();
      }}, name);
      buttons.append(button);
    }
    body.append(buttons, make("div", {class: "heat"}, canvas), tip);
    const pairs = test.confusion.filter(([at]) => Math.floor(at / n) !== at % n).sort((a, b) => b[1] - a[1]).slice(0, 10);
    if (pairs.length) {
      body.append(make("h3", {}, "Taken for each other most often"), table(["label", "taken for", "images"],
        pairs.map(([at, value]) => [test.names[Math.floor(at / n)], test.names[at % n], count(value)])));
    }
    draw();
  };

  const classTable = (test, order) => table(["class", "recall", "", "precision", "F1"], order.map((i) => [
    test.names[i], percent(test.classes[i][4], 1),
    make("div", {class: "bar"}, make("i", {style: "width:" + 100 * test.classes[i][4] + "%"})),
    percent(test.classes[i][3], 1), test.classes[i][5].toFixed(3)]));
  const classes = (body, test) => {
    const present = test.names.map((_, i) => i).filter((i) => test.classes[i][0] > 0).sort((a, b) => test.classes[b][5] - test.classes[a][5]);
    const few = Math.min(10, Math.ceil(present.length / 2));
    body.append(make("div", {class: "columns"},
      make("div", {}, make("h3", {}, "Best"), classTable(test, present.slice(0, few))),
      make("div", {}, make("h3", {}, "Worst"), classTable(test, present.slice(-few).reverse()))));
    if (test.superclass) {
      body.append(make("p", {}, percent(test.superclass.accuracy) + " of the guesses are of the right superclass, and " +
        percent(test.superclass.errors_within) + " of the wrong ones."));
    }
  };

  const reliability = (body, test) => {
    const bins = test.bins.filter((bin) => bin[2] > 0);
    const box = make("div", {class: "chart", style: "max-width:520px"});
    body.append(box);
    const line = {stroke: style("--soft"), grid: {stroke: style("--line"), width: 1}, ticks: {stroke: style("--line"), width: 1}};
    const x = [0, ...bins.map((bin) => bin[3]), 1];
    const plot = new uPlot({
      width: Math.max(260, Math.min(520, box.clientWidth)), height: 340, scales: {x: {time: false, range: [0, 1]}, y: {range: [0, 1]}},
      series: [{label: "confidence", value: (_, value) => percent(value, 1)},
        {label: "accuracy", stroke: colour(0), width: 2, points: {show: true, size: 7}, value: (_, value) => percent(value, 1)},
        {label: "as sure as it is right", stroke: style("--soft"), dash: [4, 4], value: () => ""},
        {label: "images", scale: "n", show: true, stroke: "transparent", fill: "rgba(128,128,128,.25)", paths: uPlot.paths.bars({size: [.9, 60]}), points: {show: false}}],
      axes: [{...line, values: shares}, {...line, values: shares, size: 56}],
    }, [x, [null, ...bins.map((bin) => bin[4]), null], x, [undefined, ...bins.map((bin) => bin[2]), undefined]], box);  // null would have a bar's place
    new ResizeObserver(() => plot.setSize({width: Math.max(260, Math.min(520, box.clientWidth)), height: 340})).observe(box);
    body.append(make("p", {}, "Expected calibration error " + percent(test.calibration_error) + ", mean confidence " + percent(test.confidence) + "."));
  };

  const mistakes = (body, test) => {
    body.append(make("div", {class: "mistakes"}, ...test.mistakes.map((mistake) => make("figure", {},
      ...(mistake.png ? [make("img", {src: mistake.png, alt: test.names[mistake.label], loading: "lazy"})] : []),
      make("div", {}, "is ", make("b", {}, test.names[mistake.label])),
      make("ol", {}, ...mistake.guesses.map(([label, probability]) => make("li", {},
        make("span", {}, label === mistake.label ? make("b", {}, test.names[label]) : test.names[label]),
        make("span", {class: "soft"}, percent(probability, 1)))))))));
    if (!test.mistakes.length) body.append(make("p", {}, "None: every test image was guessed right."));
  };

  if (tested.length) {
    choose("Confusion", heatmap);
    choose("Classes", classes);
    choose("Can its confidence be trusted?", reliability);
    choose("Most confident mistakes", mistakes);
  } else {
    section("Test images", make("p", {}, "Not judged here: the page was made with --no-test, or they could not be judged, of which frugal report said why."));
  }

  // ---- How they came about.
  section("How " + (runs.length > 1 ? "they" : "it") + " came about", ...runs.map((run, i) => make("details", runs.length === 1 ? {open: ""} : {},
    make("summary", {}, named(i)),
    make("h3", {}, "Command"), make("pre", {}, run.command),
    ...(run.replays ? [make("p", {}, "A clock decided where it went; frugal train --replay DIRECTORY repeats it to the bit.")] : []),
    make("p", {}, run.machine + (run.result && run.result.isa ? "; trained in " + run.result.precision + " on " +
      (run.result.processor ? run.result.processor + ", " : "") + run.result.isa + ", " +
      run.result.timing.threads + (run.result.timing.threads === 1 ? " thread, " : " threads, ") +
      count(Math.round(run.result.timing.images_per_second)) + " images a second" : "")),
    make("h3", {}, "Layers"), table(["layer", "operation", "output", "parameters", "MACs"],
      run.layers.map((row) => [row[0], row[1], row[2], row[3] ? count(row[3]) : "", row[4] ? count(row[4]) : ""])),
    make("p", {}, count(run.params) + " parameters, " + count(run.macs) + " multiply-accumulates an image."),
    make("h3", {}, "Configuration"), make("pre", {}, run.config))));
  page.append(make("p", {class: "soft"}, "Made by frugal " + report.version + " from the runs' directories."));
})();
