// Hints of controls name the call in Python that does the same. In the view of a search it is a method of its widget.

const CALL = /\bexplorer\./g;

/** Return a hint with the variable of the widget in place of that of an explorer. */
export function hintFor(owner: string, hint: string): string {
  return hint.replace(CALL, `${owner}.`);
}

/** Let the hints below an element name this variable, also those that come later; return what ends it. */
export function nameHints(root: HTMLElement, owner: string): () => void {
  if (owner === "explorer") return () => undefined;
  const rename = (one: Element) => {
    const hint = one.getAttribute("title") ?? "";
    const named = hintFor(owner, hint);
    if (named !== hint) one.setAttribute("title", named);
  };
  const all = (node: Node) => {
    if (!(node instanceof Element)) return;
    rename(node);
    for (const one of node.querySelectorAll("[title]")) rename(one);
  };
  const changes = new MutationObserver((found) => {
    for (const { type, target, addedNodes } of found) {
      if (type === "attributes") rename(target as Element);
      else addedNodes.forEach(all);
    }
  });
  all(root);
  changes.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["title"] });
  return () => changes.disconnect();
}
