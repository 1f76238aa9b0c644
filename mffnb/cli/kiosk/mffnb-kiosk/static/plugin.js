// Extension of JupyterLab for `mffnb demo`: runs the notebook when its page opens, and hides all but its widgets.
// It is the container of a prebuilt extension, written by hand: JupyterLab calls init, then get("./extension").
(() => {
  const STYLE = `
    #jp-top-panel, #jp-menu-panel, #jp-bottom-panel, #jp-title-panel-title, .jp-SkipLink, .jp-Toolbar, .jp-NotebookPanel-toolbar,
    .jp-Notebook-footer, .jp-Cell-inputWrapper, .jp-InputPrompt, .jp-OutputPrompt, .jp-OutputCollapser, .jp-Collapser,
    .lm-TabBar.jp-mod-sideBar, .jp-SideBar { display: none !important; }
    #main, #jp-main-content-panel, #jp-main-dock-panel, #jp-main-vsplit-panel, #jp-main-split-panel, .jp-NotebookPanel,
    .jp-NotebookPanel-notebook { inset: 0 !important; width: 100% !important; height: 100% !important; }
    .jp-Cell { border: none !important; padding: 0 16px !important; }
    .jp-OutputArea-output { padding-left: 0 !important; }`;

  // The document may open after the plugin starts. Its kernel is ready when sessionContext.ready resolves.
  async function notebook(shell) {
    for (;;) {
      const panel = shell.currentWidget;
      if (panel?.sessionContext && panel.content?.widgets?.length) return panel;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function run(app) {
    const panel = await notebook(app.shell);
    await panel.context.ready;
    await panel.sessionContext.ready;
    await app.commands.execute("notebook:run-all-cells");
  }

  const plugin = {
    id: "mffnb-kiosk:plugin",
    autoStart: true,
    activate: (app) => {
      const style = document.createElement("style");
      style.textContent = STYLE;
      document.head.append(style);
      // JupyterLab writes the name of the notebook to the title.
      const rename = () => document.title === "mffnb" || (document.title = "mffnb");
      new MutationObserver(rename).observe(document.querySelector("title"), { childList: true });
      rename();
      // The notebook is temporary: the page closes without asking whether to save it.
      window.addEventListener("beforeunload", (event) => event.stopImmediatePropagation(), true);
      app.restored.then(() => run(app));
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["mffnb-kiosk"] = {
    init: () => undefined,
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
})();
