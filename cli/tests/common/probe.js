// Runs in a copy of a page and leaves in it, as JSON, what a reader sees.
"use strict";
document.querySelectorAll("details").forEach((details) => { details.open = true; });

const text = (element) => element.innerText ?? element.textContent;
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const rows = (table) => all("tr", table).map((row) => all("th, td", row).map(text));
const owned = (element) => [...element.childNodes]
  .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join("").trim();

// Relative luminance and contrast as WCAG 2 defines them.
const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
const luminance = (colour) => {
  const [r, g, b] = channels(colour).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (channels(colour)[3] !== 0) return colour;
  }
  return "rgb(255, 255, 255)";
};
const faint = [];
const judge = (element, colour, least) => {
  const seen = contrast(colour, behind(element));
  if (seen < least) faint.push(`${seen.toFixed(2)}: ${element.outerHTML.slice(0, 100)}`);
};
for (const element of all("body *")) {
  const svg = element.namespaceURI.endsWith("svg");
  if (["title", "desc"].includes(element.localName) || !owned(element)) continue;
  const style = getComputedStyle(element);
  judge(element, svg ? style.fill : style.color, 4.5);
}
for (const line of all(".line, .mark, .bar")) {
  const style = getComputedStyle(line);
  judge(line, style.fill === "none" ? style.stroke : style.fill, 3);
}

// Text in a picture: none on another, none outside; by how many of the picture's own units.
const overlaps = [], outside = [];
for (const svg of all("svg")) {
  const frame = svg.getBoundingClientRect();
  const unit = frame.height / svg.viewBox.baseVal.height;
  const shown = all("text", svg).filter((element) => getComputedStyle(element).display !== "none");
  const texts = shown.map((element) => [element, element.getBoundingClientRect()]);
  texts.forEach(([element, box], i) => {
    const by = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
    if (by > 1) outside.push(`${text(element)}: by ${by.toFixed(1)} px, ${(box.width / unit).toFixed(1)} units wide`);
    for (const [other, its] of texts.slice(i + 1)) {
      const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
      const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
      // Letters are lower than the boxes of their lines.
      if (wide > unit && high > 3 * unit) overlaps.push(`${text(element)} | ${text(other)}`);
    }
  });
}

// What is wider than the page, unless it stands in a box that scrolls.
const wide = all("body *").filter((element) => !element.closest("svg, .scroll") &&
  element.getBoundingClientRect().right > innerWidth + 1).map((element) => element.outerHTML.slice(0, 100));
const cut = all(".heat, .words").filter((table) => table.scrollWidth > table.parentElement.clientWidth + 1)
  .map((table) => `${table.scrollWidth} in ${table.parentElement.clientWidth}`);

const found = {
  inner: innerWidth,
  scroll: document.documentElement.scrollWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  faint, overlaps, outside, wide, cut,
  figures: all(".figures").flatMap((table) => rows(table).slice(1)),
  maps: all(".heat").map(rows),
  points: all(".mark > title, .point > title").map((title) => title.textContent),
  names: all("svg .name").map((name) => name.textContent),
};
const result = document.createElement("pre");
result.id = "probe";
result.textContent = JSON.stringify(found).replace(/[<>&]/g, (c) => "\\u00" + c.charCodeAt(0).toString(16));
document.body.append(result);
