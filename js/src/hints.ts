// Hints of controls name the call in Python that does the same. In the view of a search it is a method of its widget; in a page
// without Python the calls are left out.

const CALL = /\bexplorer\./g;

/** Return a hint with the variable of the widget in place of that of an explorer. */
export function hintFor(owner: string, hint: string): string {
  return hint.replace(CALL, `${owner}.`);
}

/** Return a hint without the call in Python that ends it. */
export function withoutCall(hint: string): string {
  return hint.replace(/(^|[:.]?\s*)\bexplorer\.\w+\(.*\)$/, "");
}

/** Let the hints below an element name this variable, also those that come later; return what ends it. */
export function nameHints(root: HTMLElement, owner: string): () => void {
  if (owner === "explorer") return () => undefined;
  return rewriteHints(root, ["title"], (hint) => hintFor(owner, hint));
}

/** Leave out the calls of the hints and accessible names below an element, also of later ones; return what ends it. */
export function hideCalls(root: HTMLElement): () => void {
  return rewriteHints(root, ["title", "aria-label"], withoutCall);
}

function rewriteHints(root: HTMLElement, attributes: string[], rewrite: (hint: string) => string): () => void {
  const rename = (one: Element) => {
    for (const name of attributes) {
      const hint = one.getAttribute(name) ?? "";
      const named = rewrite(hint);
      if (named !== hint) one.setAttribute(name, named);
    }
  };
  const all = (node: Node) => {
    if (!(node instanceof Element)) return;
    rename(node);
    for (const one of node.querySelectorAll("[title], [aria-label]")) rename(one);
  };
  const changes = new MutationObserver((found) => {
    for (const { type, target, addedNodes } of found) {
      if (type === "attributes") rename(target as Element);
      else addedNodes.forEach(all);
    }
  });
  all(root);
  changes.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: attributes });
  return () => changes.disconnect();
}
