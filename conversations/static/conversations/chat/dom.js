/** Making elements. Text goes in as text; only `fragmentFromHtml` takes markup, and only the server's. */

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  check: ["m5 13 4 4L19 7"],
  cross: ["m7 7 10 10M17 7 7 17"],
  clock: ["M12 7v5l3 2", "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18"],
  shield: ["M12 3 5 6v5c0 4.500 3 8.300 7 10 4-1.700 7-5.500 7-10V6z", "m9 12 2 2 4-4"],
  route: ["M6 4v6a4 4 0 0 0 4 4h9", "m15 10 4 4-4 4"],
  person: ["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8", "M5 20c.600-3.500 3.400-5 7-5s6.400 1.500 7 5"],
  info: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18", "M12 11v5M12 8v.01"],
  chevron: ["m8 10 4 4 4-4"],
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

const UNWANTED = "img,picture,svg,math,video,audio,iframe,object,embed,form,input,button,style,link,meta,script,base";

/**
 * Return the server's sanitised markup as nodes. A second fence, not the first: pictures and styles, which would load
 * from elsewhere or break the policy of this page, never become part of it.
 */
export function fragmentFromHtml(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const { content } = template;
  for (const element of content.querySelectorAll(UNWANTED)) element.remove();
  for (const element of content.querySelectorAll("*")) {
    for (const { name } of [...element.attributes]) {
      if (name === "style" || name.startsWith("on")) element.removeAttribute(name);
    }
  }
  for (const link of content.querySelectorAll("a[href]")) {
    if (!/^(https?:|mailto:|tel:)/i.test(link.getAttribute("href"))) link.removeAttribute("href");
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const table of content.querySelectorAll("table")) {
    const frame = h("div", { class: "table-frame", role: "region", tabindex: "0", "aria-label": "Table" });
    table.replaceWith(frame);
    frame.append(table);
  }
  return content;
}
