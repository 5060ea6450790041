// Starts `python -m autodiff dap` for a debug session of type "autodiff"; all else is the adapter's.

const vscode = require("vscode");

const TYPE = "autodiff";
const CURRENT_FILE = { type: TYPE, request: "launch", name: "autodiff: current file", program: "${file}" };

/** What is launched by F5 where there is no launch.json: the Python file that is open. */
function resolveDebugConfiguration(folder, configuration) {
  const editor = vscode.window.activeTextEditor;
  if (!configuration.type && !configuration.request && !configuration.name) {
    if (!editor || editor.document.languageId !== "python") return undefined;
    configuration = { ...CURRENT_FILE };
  }
  if (!configuration.program && !configuration.module) {
    return vscode.window.showInformationMessage("autodiff: launch.json names no program to debug").then(() => undefined);
  }
  if (!configuration.cwd && folder) configuration.cwd = folder.uri.fsPath;
  return configuration;
}

/** The Python of the configuration, else that which the Python extension has selected, else python3. */
async function pythonOf(configuration, folder) {
  if (configuration.python) return configuration.python;
  try {
    const extension = vscode.extensions.getExtension("ms-python.python");
    if (extension) {
      const { environments } = await extension.activate();
      const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(folder && folder.uri));
      const executable = environment && environment.executable.uri;
      if (executable) return executable.fsPath;
    }
  } catch (error) {
    console.warn("autodiff: the Python extension names no interpreter:", error);
  }
  return process.platform === "win32" ? "python" : "python3";
}

async function createDebugAdapterDescriptor(session) {
  const configuration = session.configuration;
  if (configuration.port) return new vscode.DebugAdapterServer(configuration.port);
  const python = await pythonOf(configuration, session.workspaceFolder);
  const env = Object.fromEntries(Object.entries(configuration.env || {}).filter(([, text]) => text !== null));
  const options = { env, ...(configuration.cwd ? { cwd: configuration.cwd } : {}) };
  return new vscode.DebugAdapterExecutable(python, ["-m", "autodiff", "dap"], options);
}

function activate(context) {
  const dynamic = vscode.DebugConfigurationProviderTriggerKind.Dynamic;
  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider(TYPE, { resolveDebugConfiguration }),
    vscode.debug.registerDebugConfigurationProvider(TYPE, { provideDebugConfigurations: () => [{ ...CURRENT_FILE }] }, dynamic),
    vscode.debug.registerDebugAdapterDescriptorFactory(TYPE, { createDebugAdapterDescriptor }),
  );
}

module.exports = { activate, deactivate() {} };
