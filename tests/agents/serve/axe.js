// What axe-core finds, of every impact: one line each.
async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(x => x.nodes.map(y => `${x.impact} ${x.id}: ${y.target} ${y.html.slice(0, 90)}`));
}
