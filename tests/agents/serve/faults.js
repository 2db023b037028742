// What a reader of screens and an eye need, looked for in a page: WCAG 2.2, 1.3.1, 1.4.3, 1.4.10, 2.4.1, 3.1.1, 4.1.2.
() => {
  const found = [], seen = x => x.offsetParent !== null || x.ownerSVGElement;
  const name = x => (x.getAttribute("aria-label") || x.labels?.[0]?.textContent || x.textContent || x.title || "").trim()
    || (x.getAttribute("aria-labelledby") && document.getElementById(x.getAttribute("aria-labelledby"))?.textContent);
  if (!document.documentElement.lang) found.push("no language");
  if (document.querySelectorAll("main").length !== 1 || !document.querySelector("h1")) found.push("no main or h1");
  for (const x of document.querySelectorAll("a[href],button,input:not([type=hidden]),textarea,select,svg[role=img]"))
    if (!name(x)) found.push(`no name: ${x.outerHTML.slice(0, 90)}`);
  const ids = [...document.querySelectorAll("[id]")].map(x => x.id);
  for (const id of new Set(ids.filter((x, i) => ids.indexOf(x) !== i))) found.push(`twice: #${id}`);
  for (const x of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(x.getAttribute("aria-labelledby"))) found.push("labelled by nothing");
  for (const x of document.querySelectorAll("table")) if (!x.caption) found.push("a table without caption");
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const known = new Map(), rgba = c => known.get(c) ?? known.set(c, painted(c)).get(c);
  const lit = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = x => { for (let at = x; at; at = at.parentElement) { const c = rgba(getComputedStyle(at).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255]; };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const x = words.currentNode.parentElement, style = getComputedStyle(x);
    if (!words.currentNode.textContent.trim() || !seen(x) || x.ownerSVGElement || x.closest(".vh,.skip,dialog,[disabled]")) continue;
    const a = lit(rgba(style.color)), b = lit(behind(x)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}:1 ${x.className} ${words.currentNode.textContent.trim().slice(0, 40)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);
  return found;
}
