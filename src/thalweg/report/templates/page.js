"use strict";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

// Charts are drawn on canvases, which know no style sheet: each model is tagged with
// "property:--variable" and painted again whenever the theme changes.
function paint() {
  const probe = document.body.appendChild(document.createElement("span"));
  for (const chart of Bokeh.documents) {
    for (const top of chart.roots()) {
      for (const model of top.references()) {
        for (const tag of model.tags ?? []) {
          const [property, variable] = tag.split(":");
          probe.style.color = `var(${variable})`;
          const color = getComputedStyle(probe).color;
          const old = model[property];
          model[property] = old !== null && typeof old === "object" ? { value: color } : color;
        }
      }
    }
  }
  probe.remove();
}

function theme() {
  return root.dataset.theme ?? (dark.matches ? "dark" : "light");
}

function change(name) {
  root.dataset.theme = name;
  label();
  paint();
}

function label() {
  toggle.textContent = theme() === "dark" ? "Light" : "Dark";
}

const toggle = document.getElementById("theme");
toggle.hidden = false;
toggle.addEventListener("click", () => change(theme() === "dark" ? "light" : "dark"));
dark.addEventListener("change", () => { label(); paint(); });

// Paper is white: the charts are painted for it, and back again.
addEventListener("beforeprint", () => { root.classList.add("printing"); paint(); });
addEventListener("afterprint", () => { root.classList.remove("printing"); paint(); });

function named(name) {
  for (const chart of Bokeh.documents) {
    const model = chart.get_model_by_name(name);
    if (model !== null) return model;
  }
  return null;
}

const logarithm = document.getElementById("logarithm");
if (logarithm !== null) {
  logarithm.hidden = false;
  logarithm.addEventListener("click", () => {
    const pressed = logarithm.getAttribute("aria-pressed") !== "true";
    logarithm.setAttribute("aria-pressed", String(pressed));
    named("loss-linear").visible = !pressed;
    named("loss-log").visible = pressed;
  });
}

async function draw() {
  // Bokeh.set_log_level would itself log that it was called.
  Bokeh.logger.set_level("error");
  const items = JSON.parse(document.getElementById("charts").textContent);
  for (const item of items) await Bokeh.embed.embed_item(item);
  // A finger that drags across a chart wants to scroll the page.
  if (matchMedia("(pointer: coarse)").matches) {
    for (const chart of Bokeh.documents) {
      for (const top of chart.roots()) {
        for (const model of top.references()) {
          if (model.type === "BoxZoomTool") model.active = false;
        }
      }
    }
  }
  const wanted = new URLSearchParams(location.search).get("theme");
  if (wanted === "dark" || wanted === "light") change(wanted);
  else { label(); paint(); }
  root.dataset.drawn = items.length;
}

draw();
