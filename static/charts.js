"use strict";

// Charts: draws what stands over time from the address of its rows. Without it the page's own drawing stays.
(() => {
  if (!window.uPlot || !window.ResizeObserver) return;

  const HEIGHT = 180;
  const PATTERN = 6;
  const asked = new Map();
  let drawn = [];

  const rowsOf = (address) => {
    if (!asked.has(address)) {
      asked.set(address, fetch(address, { headers: { Accept: "application/json" } })
        .then((answer) => { if (!answer.ok) throw new Error(answer.status); return answer.json(); })
        .then((found) => found.rows));
    }
    return asked.get(address);
  };

  const money = (micros, currency) => {
    const whole = Math.floor(micros / 1e6);
    const rest = String(micros % 1e6).padStart(6, "0").replace(/0{1,4}$/, "");
    return whole.toLocaleString("en") + "." + rest + " " + currency;
  };

  const bytes = (number) => {
    let size = number;
    for (const unit of ["B", "kB", "MB", "GB", "TB"]) {
      if (size < 1000 || unit === "TB") return (unit === "B" ? size : size.toFixed(1)) + " " + unit;
      size /= 1000;
    }
    return "";
  };

  const words = (unit) => (value) => {
    if (unit === "count") return Number.isInteger(value) ? value.toLocaleString("en") : "";
    return unit === "bytes" ? bytes(value) : money(Math.round(value), unit);
  };

  // Times are UTC and written as everywhere on these pages; the day stands where it begins.
  const ticked = (_plot, ticks, _axis, _space, apart) => ticks.map((seconds, nth) => {
    const [, day, month, year, time] = new Date(seconds * 1000).toUTCString().split(" ");
    if (apart >= 86400) return `${day} ${month}` + (nth ? "" : `\n${year}`);
    return time.slice(0, 5) + (nth === 0 || time.startsWith("00:00") ? `\n${day} ${month}` : "");
  });

  const moment = (seconds) => {
    const [, day, month, year, time] = new Date(seconds * 1000).toUTCString().split(" ");
    return `${day} ${month} ${year} ${time.slice(0, 5)}`;
  };

  // A step with nothing in it is no row: zeros stand beside what stands alone, so that a line falls to them.
  const stepped = (rows, columns, step, from, to) => {
    const at = new Map([[from, null], [to - step, null]]);
    for (const row of rows) {
      const time = Math.floor(Date.parse(row.time) / 1000);
      if (!at.has(time - step)) at.set(time - step, null);
      if (!at.has(time + step)) at.set(time + step, null);
      at.set(time, row);
    }
    const times = [...at.keys()].filter((time) => Number.isFinite(time)).sort((a, b) => a - b);
    return [times, ...columns.map((name) => times.map((time) => (at.get(time) ? at.get(time)[name] || 0 : 0)))];
  };

  // The same hatching as the page's own drawing and its legend have.
  const hatched = (color, ground, slope) => {
    const size = Math.round(PATTERN * window.devicePixelRatio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const brush = tile.getContext("2d");
    brush.fillStyle = color;
    brush.fillRect(0, 0, size, size);
    brush.strokeStyle = ground;
    brush.lineWidth = size / 3;
    brush.beginPath();
    for (const shift of [-size, 0, size]) {
      brush.moveTo(shift, slope ? size : size / 2);
      brush.lineTo(shift + size, slope ? 0 : size / 2);
    }
    brush.stroke();
    return brush.createPattern(tile, "repeat");
  };

  const chosen = (plot, step) => {
    if (plot.select.width < 8) return;
    const ends = [plot.select.left, plot.select.left + plot.select.width]
      .map((left) => plot.posToVal(left, "x"));
    const address = new URL(window.location.href);
    for (const name of ["last", "before"]) address.searchParams.delete(name);
    address.searchParams.set("from", new Date(Math.max(0, Math.floor(ends[0] / step)) * step * 1000).toISOString());
    address.searchParams.set("to", new Date(Math.ceil(ends[1] / step) * step * 1000).toISOString());
    window.location.assign(address);
  };

  const options = (place, columns, range) => {
    const { kind, unit, step } = place.dataset;
    const inks = columns.map((name) => place.querySelector(`[data-column="${CSS.escape(name)}"]`));
    const colors = inks.map((ink) => getComputedStyle(ink).color);
    const ground = getComputedStyle(place).backgroundColor;
    const muted = getComputedStyle(place.querySelector(".axis")).color;
    const rule = getComputedStyle(place).borderTopColor;
    const show = words(unit);
    const grid = { stroke: rule, width: 1 };
    const series = columns.map((name, nth) => {
      if (kind !== "bars") {
        const dashed = inks[nth].classList.contains("dashed");
        return { label: name, stroke: colors[nth], width: 2, dash: dashed ? [7, 5] : [], points: { show: false } };
      }
      const slope = ["quoted", "refused"].includes(name);
      const fill = slope || name === "failed" ? hatched(colors[nth], ground, slope) : colors[nth];
      return {
        label: name, width: 0, fill: () => fill, points: { show: false },
        paths: window.uPlot.paths.bars({ size: [0.8, 60], align: 1, gap: 0 }),
      };
    });
    return {
      width: Math.max(place.clientWidth - 32, 200), height: HEIGHT,
      legend: { show: false },
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { y: false, points: { show: kind !== "bars" }, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: true, range }, y: { range: (_plot, _low, high) => [0, high || 1] } },
      axes: [
        { stroke: muted, grid: { show: false }, ticks: grid, values: ticked },
        { stroke: muted, grid, ticks: { show: false }, size: 84, values: (_plot, ticks) => ticks.map(show) },
      ],
      // The last of a stack is as high as all: it is drawn first.
      series: [{}, ...(kind === "bars" ? series.reverse() : series)],
      hooks: { setSelect: [(plot) => chosen(plot, Number(step))] },
    };
  };

  const stacked = (data) => {
    const sums = [];
    data.slice(1).forEach((values, nth) => {
      sums.push(values.map((value, at) => value + (nth ? sums[nth - 1][at] : 0)));
    });
    return [data[0], ...sums.reverse()];
  };

  const draw = (place, rows) => {
    const columns = place.dataset.columns.split(" ");
    const step = Number(place.dataset.step);
    const from = Number(place.dataset.from);
    const to = Number(place.dataset.to);
    const data = stepped(rows, columns, step, from, to);
    const times = data[0];
    const range = [Math.min(from, times[0]), Math.max(to, times[times.length - 1] + step)];
    const own = place.querySelector("svg.chart");
    const frame = document.createElement("div");
    frame.className = "drawn-chart";
    frame.setAttribute("role", "img");
    frame.setAttribute("aria-label", own.getAttribute("aria-label"));
    own.before(frame);
    const make = () => new window.uPlot(
      options(place, columns, range), place.dataset.kind === "bars" ? stacked(data) : data, frame,
    );
    const chart = { plot: make() };
    // An SVG element has no property for it.
    own.toggleAttribute("hidden", true);
    place.querySelector(".axis").hidden = true;
    const read = reader(place, columns, rows, chart, step);
    chart.again = () => { chart.plot.destroy(); chart.plot = make(); read.listen(); };
    chart.size = () => {
      const width = Math.max(place.clientWidth - 32, 200);
      if (width !== chart.plot.width) chart.plot.setSize({ width, height: HEIGHT });
    };
    read.listen();
    new ResizeObserver(chart.size).observe(place);
    drawn.push({ place, chart });
  };

  // What a pointer shows, a slider says: by keyboard, and to who hears the page.
  const reader = (place, columns, rows, chart, step) => {
    const show = words(place.dataset.unit);
    const line = document.createElement("p");
    line.className = "reading";
    const told = document.createElement("span");
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = "0";
    slider.max = String(Math.max(rows.length - 1, 0));
    slider.setAttribute("aria-label", "Read " + place.dataset.title + ", one step at a time");
    const times = rows.map((row) => Math.floor(Date.parse(row.time) / 1000));
    const name = (column) => place.querySelector(`[data-column="${CSS.escape(column)}"]`).dataset.name;
    const say = (nth) => {
      const row = rows[nth];
      const parts = columns.filter((column) => row[column]).map((column) => `${name(column)} ${show(row[column])}`);
      const text = `${moment(times[nth])}: ${parts.join(", ") || "nothing"}`;
      told.textContent = text;
      slider.value = String(nth);
      slider.setAttribute("aria-valuetext", text);
    };
    line.append(slider, told);
    place.querySelector(".axis").after(line);
    line.hidden = !rows.length;
    if (rows.length) say(rows.length - 1);
    slider.addEventListener("input", () => {
      const nth = Number(slider.value);
      say(nth);
      chart.plot.setCursor({ left: chart.plot.valToPos(times[nth] + step / 2, "x"), top: 0 });
    });
    const listen = () => {
      chart.plot.over.addEventListener("mousemove", () => {
        if (!rows.length || chart.plot.cursor.left < 0) return;
        const here = chart.plot.posToVal(chart.plot.cursor.left, "x") - step / 2;
        let nth = 0;
        times.forEach((time, at) => { if (Math.abs(time - here) < Math.abs(times[nth] - here)) nth = at; });
        say(nth);
      });
    };
    return { listen };
  };

  const begin = () => {
    drawn = drawn.filter(({ place, chart }) => place.isConnected || chart.plot.destroy());
    for (const place of document.querySelectorAll("[data-source]:not([data-begun])")) {
      place.dataset.begun = "";
      rowsOf(place.dataset.source).then((rows) => draw(place, rows)).catch(() => {});
    }
  };
  begin();
  // A part of the page that came anew has its own.
  document.addEventListener("htmx:afterSettle", begin);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    drawn.forEach(({ chart }) => chart.again());
  });
})();
