// What axe does not look for in a page: tables that are told apart by a caption, and a page that scrolls sideways.
() => {
  const found = [];
  for (const x of document.querySelectorAll("table")) if (!x.caption) found.push("a table without caption");
  if (document.documentElement.scrollWidth > innerWidth) found.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);
  return found;
}
