// The cue mixer: choose a shape, a texture and its contrast; see the image and what S and R say.
"use strict";

(function () {
  const root = document.getElementById("mixer");
  if (!root || typeof MIXER === "undefined") return;
  const { categories, sheets, networks, said, size } = MIXER;
  const n = categories.length;
  const colours = { standard: "#d9772b", robust: "#2467b0" };
  const state = { architecture: networks[0].architecture, level: 0, shape: 0, texture: 0 };
  state.level = Math.floor(sheets.length / 2);

  const percent = (network, level, shape, texture, category) =>
    said[network].charCodeAt(((level * n + shape) * n + texture) * n + category) - 40;
  const of = (training) =>
    networks.find((k) => k.architecture === state.architecture && k.training === training);
  const decision = (network, level, shape, texture) => {
    let best = 0;
    for (let c = 1; c < n; c++)
      if (percent(network, level, shape, texture, c) > percent(network, level, shape, texture, best)) best = c;
    return best;
  };

  // To begin with, the pair on which S is surest of the texture and R of the shape.
  let surest = -1;
  for (let s = 0; s < n; s++)
    for (let t = 0; t < n; t++) {
      const both = s === t ? -1 : percent(of("standard").network, state.level, s, t, t) *
        percent(of("robust").network, state.level, s, t, s);
      if (both > surest) { surest = both; state.shape = s; state.texture = t; }
    }

  // The address opens the same image again: network, shape, texture, contrast.
  function place() {
    return [state.architecture, categories[state.shape], categories[state.texture], sheets[state.level].level].join("/");
  }
  function open() {
    const [architecture, shape, texture, level] = decodeURIComponent(location.hash.slice(1)).split("/");
    const found = [categories.indexOf(shape), categories.indexOf(texture), sheets.findIndex((s) => String(s.level) === level)];
    if (found.includes(-1) || !networks.some((k) => k.architecture === architecture)) return;
    [state.shape, state.texture, state.level] = found;
    state.architecture = architecture;
  }
  open();
  window.addEventListener("hashchange", () => { open(); draw(); });

  const images = sheets.map((sheet) => {
    const image = new Image();
    image.src = root.dataset.folder + "/" + sheet.file;
    image.onload = draw;
    return image;
  });

  function select(label, values, key) {
    const box = document.createElement("label");
    box.textContent = label + " ";
    const input = document.createElement("select");
    values.forEach((value, i) => input.add(new Option(value, i)));
    input.id = "mixer-" + key;
    input.addEventListener("change", () => {
      state[key] = key === "architecture" ? values[input.value] : Number(input.value);
      draw();
    });
    box.append(input);
    return [box, input];
  }

  const architectures = [...new Set(networks.map((k) => k.architecture))];
  const [archBox, architectureInput] = select("Network", architectures, "architecture");
  const [shapeBox, shapeInput] = select("Shape", categories, "shape");
  const [textureBox, textureInput] = select("Texture of", categories, "texture");
  const levelBox = document.createElement("label");
  const levelInput = Object.assign(document.createElement("input"),
    { type: "range", min: 0, max: sheets.length - 1, step: 1, id: "mixer-level" });
  const levelText = document.createElement("output");
  levelBox.append("Texture contrast ", levelInput, " ", levelText);
  levelInput.addEventListener("input", () => { state.level = Number(levelInput.value); draw(); });
  const controls = document.createElement("div");
  controls.className = "mixer-controls";
  controls.append(archBox, shapeBox, textureBox, levelBox);

  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  canvas.setAttribute("role", "img");
  const bars = document.createElement("div");
  bars.className = "mixer-bars";
  const grids = document.createElement("div");
  grids.className = "mixer-grids";
  const stage = document.createElement("div");
  stage.className = "mixer-stage";
  stage.append(canvas, bars);
  const link = Object.assign(document.createElement("a"), { id: "mixer-link", textContent: "Link to this image" });
  controls.append(link);
  root.append(controls, stage, grids);

  function drawBars(network) {
    const panel = document.createElement("div");
    const decided = decision(network.network, state.level, state.shape, state.texture);
    const how = decided === state.shape ? "by shape" : decided === state.texture ? "by texture" : "neither cue";
    const title = document.createElement("b");
    title.textContent = network.network + ": " + categories[decided] +
      (state.shape === state.texture ? "" : ", " + how);
    panel.append(title);
    for (let c = 0; c < n; c++) {
      const value = percent(network.network, state.level, state.shape, state.texture, c);
      const row = document.createElement("div");
      row.className = "mixer-bar" + (c === state.shape || c === state.texture ? " cue" : "");
      const name = document.createElement("span");
      name.textContent = categories[c] +
        (c === state.shape ? " (shape)" : "") + (c === state.texture ? " (texture)" : "");
      const bar = document.createElement("i");
      bar.style.width = value + "%";
      bar.style.background = colours[network.training];
      const number = document.createElement("em");
      number.textContent = value;
      const track = document.createElement("span");
      track.append(bar);
      row.append(name, track, number);
      panel.append(row);
    }
    bars.append(panel);
  }

  function drawGrid(network) {
    const box = document.createElement("div");
    const grid = Object.assign(document.createElement("canvas"), { width: 16 * n, height: 16 * n });
    const pen = grid.getContext("2d");
    for (let s = 0; s < n; s++)
      for (let t = 0; t < n; t++) {
        const decided = decision(network.network, state.level, s, t);
        pen.fillStyle = s === t ? "#999999" : decided === s ? colours.robust :
          decided === t ? colours.standard : "#e6e6e6";
        pen.fillRect(16 * t + 1, 16 * s + 1, 14, 14);
      }
    pen.lineWidth = 2;
    pen.strokeStyle = "#000000";
    pen.strokeRect(16 * state.texture, 16 * state.shape, 16, 16);
    grid.addEventListener("click", (event) => {
      const scale = n / grid.getBoundingClientRect().width;
      state.texture = Math.min(n - 1, Math.floor(event.offsetX * scale));
      state.shape = Math.min(n - 1, Math.floor(event.offsetY * scale));
      draw();
    });
    grid.setAttribute("role", "img");
    grid.setAttribute("aria-label", "Who decides how, for every pair of cues: " + network.network);
    box.append(network.network, grid);
    grids.append(box);
  }

  function draw() {
    architectureInput.value = architectures.indexOf(state.architecture);
    shapeInput.value = state.shape;
    textureInput.value = state.texture;
    levelInput.value = state.level;
    levelText.textContent = sheets[state.level].level;
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, size, size);
    if (images[state.level].complete)
      pen.drawImage(images[state.level], size * state.texture, size * state.shape, size, size, 0, 0, size, size);
    canvas.setAttribute("aria-label",
      "the shape of " + categories[state.shape] + " with the texture of " + categories[state.texture]);
    bars.replaceChildren();
    grids.replaceChildren();
    for (const training of ["standard", "robust"]) {
      const network = of(training);
      if (network) { drawBars(network); drawGrid(network); }
    }
    link.href = "#" + place();
  }
  draw();
})();
