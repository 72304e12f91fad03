// <fiu-graph>: the money flow on a canvas, at the positions that the server gave.
// Data: <script type="application/json" id="data-source">. The table view is its equal.

const TONES = ["bad", "warn", "violet", "accent", "good", "ice"];
const motion = !matchMedia("(prefers-reduced-motion: reduce)").matches;

// Colours of the tokens, resolved for the theme that is on.
function colours(on) {
  const probe = document.createElement("i");
  on.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["surface", "ink", "ink-2", "ink-3", "line", "line-strong", ...TONES, ...TONES.map((tone) => `${tone}-soft`)];
  const found = Object.fromEntries(names.map((name) => [name, read(name)]));
  probe.remove();
  return found;
}

// Control points as Cytoscape wants them: weight along, distance from, the line between the ports.
function bends(points) {
  const [start, end] = [points[0], points.at(-1)];
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const length = Math.hypot(dx, dy) || 1;
  const inner = points.slice(1, -1).map(([x, y]) => [x - start[0], y - start[1]]);
  return {
    weights: inner.map(([x, y]) => (x * dx + y * dy) / length ** 2),
    distances: inner.map(([x, y]) => (y * dx - x * dy) / length),
  };
}

class FiuGraph extends HTMLElement {
  async connectedCallback() {
    this.flow = JSON.parse(document.getElementById(this.dataset.source).textContent);
    this.canvas = this.querySelector("[role=application]");
    const scale = Math.min(this.canvas.clientWidth / (this.flow.width + 52), 1.15);
    this.canvas.parentElement.style.height = `${Math.min(Math.max(this.flow.height * scale + 70, 440), 720)}px`;
    this.lanes = this.querySelector(".flow-lanes");
    this.voice = this.querySelector("[data-say]");
    if (!this.flow.nodes.length || !window.cytoscape) return;
    // Labels are measured once: the font must be there, in both weights.
    await Promise.all([document.fonts.load('400 11px "Inter"'), document.fonts.load('600 11px "Inter"')]);
    this.draw();
    this.buttons();
    this.keys();
    for (const theme of [matchMedia("(prefers-color-scheme: dark)"), window]) {
      theme.addEventListener(theme === window ? "fiu:theme" : "change", () => this.cy.style(this.style_()));
    }
  }

  disconnectedCallback() {
    this.cy?.destroy();
  }

  elements() {
    const at = new Map(this.flow.nodes.map((node) => [node.id, node]));
    const nodes = this.flow.nodes.map((node) => ({
      data: { ...node, text: node.sub ? `${node.label}\n${node.sub}` : node.label },
      position: { x: node.x, y: node.y },
      classes: [node.tone, node.note && "broken", node.key && "on-path"].filter(Boolean).join(" "),
    }));
    const edges = this.flow.edges.map((edge) => {
      const [source, target] = [at.get(edge.source), at.get(edge.target)];
      const [start, end] = [edge.points[0], edge.points.at(-1)];
      return {
        data: {
          ...edge,
          id: `${edge.source}\u0000${edge.target}`,
          size: Number(edge.amount),
          out: `${start[0] - source.x}px ${start[1] - source.y}px`,
          in: `${end[0] - target.x}px ${end[1] - target.y}px`,
          ...bends(edge.points),
        },
        classes: [edge.key && "key", edge.back && "back", edge.possible && "possible"].filter(Boolean).join(" "),
      };
    });
    // A label is drawn with its line: those that must be read are lines of their own, above all.
    const labels = edges.filter((edge) => /key|possible/.test(edge.classes)).map(({ data }) => ({
      data: { ...data, id: `${data.id}\u0000` }, classes: "label",
    }));
    return [...nodes, ...edges, ...labels];
  }

  style_() {
    const c = colours(this);
    const toned = TONES.map((tone) => ({
      selector: `node.${tone}`,
      style: { "background-color": c[`${tone}-soft`], "border-color": c[tone] },
    }));
    return [
      {
        selector: "node",
        style: {
          shape: "round-rectangle", "corner-radius": 7, width: 166, height: 48,
          "background-color": c.surface, "border-width": 1.2, "border-color": c["ink-3"],
          label: "data(text)", color: c.ink, "font-family": "Inter", "font-size": 10.5, "font-weight": 600, "line-height": 1.35,
          "text-wrap": "wrap", "text-max-width": 164, "text-valign": "center", "text-halign": "center",
          "overlay-opacity": 0,
        },
      },
      ...toned,
      { selector: "node.broken", style: { "border-style": "dashed" } },
      {
        selector: "edge",
        style: {
          "curve-style": "unbundled-bezier", "edge-distances": "endpoints",
          "control-point-weights": "data(weights)", "control-point-distances": "data(distances)",
          "source-endpoint": "data(out)", "target-endpoint": "data(in)",
          width: "data(width)", "line-color": c["line-strong"], "line-cap": "butt",
          "target-arrow-shape": "triangle", "target-arrow-color": c["line-strong"], "arrow-scale": 0.75,
          "overlay-opacity": 0, "z-index": 1,
        },
      },
      { selector: "edge.back", style: { "line-style": "dashed" } },
      { selector: "edge.possible", style: { "line-style": "dotted", "line-color": c.violet, "target-arrow-color": c.violet } },
      { selector: "edge.key", style: { "line-color": c.accent, "target-arrow-color": c.accent, "z-index": 3, opacity: 0.9 } },
      {
        selector: "edge.label, edge.told",
        style: {
          "target-label": "data(label)", "target-text-offset": 36, "font-family": "Inter", "font-size": 9, "font-weight": 600,
          color: c["ink-2"], "text-background-color": c.surface, "text-background-opacity": 1, "text-background-padding": 1.5,
        },
      },
      { selector: "edge.told", style: { "z-index": 4 } },
      { selector: "edge.label", style: { "line-opacity": 0, "target-arrow-shape": "none", events: "no", "z-index": 9 } },
      { selector: ".dim", style: { opacity: 0.13 } },
      { selector: "node.chosen", style: { "border-width": 2.6, "border-color": c.accent } },
      { selector: ".off", style: { display: "none" } },
    ];
  }

  draw() {
    this.cy = window.cytoscape({
      container: this.canvas,
      elements: this.elements(),
      style: this.style_(),
      layout: { name: "preset" },
      minZoom: 0.15, maxZoom: 2.5, boxSelectionEnabled: false, autounselectify: true, autoungrabify: true,
      pixelRatio: Math.min(devicePixelRatio, 2),
    });
    this.fit(false);
    this.titles();
    this.cy.on("tap", "node", (event) => this.choose(event.target));
    this.cy.on("tap", (event) => event.target === this.cy && this.clear());
    this.cy.on("mouseover mouseout", "node", ({ type }) => (this.canvas.style.cursor = type === "mouseover" ? "pointer" : ""));
    this.cy.on("pan zoom resize", () => this.keepTitles());
  }

  // --- Lanes

  titles() {
    this.lanes?.replaceChildren(...this.flow.lanes.map((lane) => {
      const title = document.createElement("span");
      title.textContent = lane.title;
      return title;
    }));
    this.keepTitles();
  }

  keepTitles() {
    if (!this.lanes) return;
    const [zoom, pan] = [this.cy.zoom(), this.cy.pan()];
    [...this.lanes.children].forEach((title, number) => {
      const x = this.flow.lanes[number].x * zoom + pan.x;
      title.style.transform = `translateX(${x}px) translateX(-50%)`;
      title.style.maxWidth = `${Math.max(272 * zoom - 8, 40)}px`;
    });
  }

  // --- Choosing

  choose(node) {
    this.clear(false);
    const near = node.union(node.predecessors()).union(node.successors());
    this.cy.batch(() => {
      this.cy.elements().not(near).addClass("dim");
      node.addClass("chosen");
      node.connectedEdges().addClass("told");
    });
    this.chosen = node;
    this.say(node);
    const url = this.dataset.inspectorUrl;
    if (url && window.htmx) {
      const address = `${url}${url.includes("?") ? "&" : "?"}node=${encodeURIComponent(node.id())}`;
      window.htmx.ajax("GET", address, { target: `#${this.dataset.inspector}`, swap: "innerHTML" });
    }
  }

  clear(forget = true) {
    this.cy.batch(() => this.cy.elements().removeClass("dim chosen told"));
    if (forget) this.chosen = null;
  }

  say(node) {
    const way = node.incomers("edge").not(".label").length;
    const out = node.outgoers("edge").not(".label").length;
    if (this.voice) this.voice.textContent = [node.data("label"), node.data("sub"), node.data("note"), `\u2190 ${way}, \u2192 ${out}`].filter(Boolean).join(", ");
  }

  // --- Tools

  fit(move = motion) {
    const seen = this.cy.elements(":visible");
    const padding = 26;
    if (move) return this.cy.animate({ fit: { eles: seen, padding } }, { duration: 180 });
    this.cy.fit(seen, padding);
    if (this.cy.zoom() > 1.15) {
      this.cy.zoom(1.15);
      this.cy.center(seen);
    } else if (this.cy.zoom() < 0.5) {
      // Too wide to read: begin at the left, the rest is a drag or an arrow key away.
      this.cy.zoom(0.62);
      this.cy.center(seen);
      this.cy.pan({ x: 2 * padding, y: this.cy.pan().y });
    }
  }

  zoom(factor) {
    const middle = { x: this.cy.width() / 2, y: this.cy.height() / 2 };
    this.cy.zoom({ level: this.cy.zoom() * factor, renderedPosition: middle });
  }

  keyPath(on) {
    const path = this.cy.edges(".key, .label").union(this.cy.edges(".key").connectedNodes()).union(this.cy.nodes(".on-path"));
    this.cy.elements().not(path).toggleClass("off", on);
    this.fit();
  }

  buttons() {
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-act]");
      if (!button) return;
      const acts = {
        fit: () => this.fit(),
        in: () => this.zoom(1.25),
        out: () => this.zoom(0.8),
        key: () => {
          const on = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", on);
          this.keyPath(on);
        },
      };
      acts[button.dataset.act]?.();
    });
  }

  // Left and right along the largest edge, up and down in the lane.
  walk(key) {
    const from = this.chosen ?? this.cy.nodes(":visible").min((node) => node.position("x") * 1e4 + node.position("y")).ele;
    if (!this.chosen) return from;
    if (key === "ArrowUp" || key === "ArrowDown") {
      const lane = this.cy.nodes(":visible").filter((node) => node.data("lane") === from.data("lane")).sort((a, b) => a.position("y") - b.position("y"));
      const now = lane.toArray().findIndex((node) => node.same(from));
      return lane[Math.min(Math.max(now + (key === "ArrowDown" ? 1 : -1), 0), lane.length - 1)];
    }
    const edges = key === "ArrowRight" ? from.outgoers("edge:visible") : from.incomers("edge:visible");
    if (!edges.length) return from;
    const largest = edges.max((edge) => edge.data("size")).ele;
    return key === "ArrowRight" ? largest.target() : largest.source();
  }

  keys() {
    this.canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const acts = { f: () => this.fit(), "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8), Escape: () => this.clear(), Enter: () => document.getElementById(this.dataset.inspector)?.focus() };
      if (event.key.startsWith("Arrow")) {
        const node = this.walk(event.key);
        this.choose(node);
        const seen = node.renderedPosition();
        if (seen.x < 90 || seen.y < 40 || seen.x > this.cy.width() - 90 || seen.y > this.cy.height() - 40) this.cy.center(node);
      } else if (!acts[event.key]) return;
      acts[event.key]?.();
      event.preventDefault();
    });
  }
}

customElements.define("fiu-graph", FiuGraph);
