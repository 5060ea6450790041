"""The extension for VS Code: what it asks an adapter to do, with a stand-in for the editor."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "contrib" / "vscode"

EDITOR = """
const Module = require("module");
const registered = { providers: [], factories: [] };
class DebugAdapterExecutable { constructor(command, args, options) { Object.assign(this, { command, args, options }); } }
class DebugAdapterServer { constructor(port) { this.port = port; } }
const python = { activate: async () => ({ environments: {
  getActiveEnvironmentPath: () => ({ path: "/env" }),
  resolveEnvironment: async () => ({ executable: { uri: { fsPath: "/env/bin/python" } } }) } }) };
let there = null;
const vscode = { DebugAdapterExecutable, DebugAdapterServer, DebugConfigurationProviderTriggerKind: { Dynamic: 2 },
  extensions: { getExtension: () => there },
  window: { activeTextEditor: { document: { languageId: "python" } }, showInformationMessage: async (text) => text },
  debug: { registerDebugConfigurationProvider: (type, provider) => registered.providers.push(provider),
           registerDebugAdapterDescriptorFactory: (type, factory) => registered.factories.push(factory) } };
const load = Module._load;
Module._load = (name, ...rest) => name === "vscode" ? vscode : load(name, ...rest);
require(process.argv[1]).activate({ subscriptions: [] });
(async () => {
  const [provider, dynamic] = registered.providers, [factory] = registered.factories;
  const folder = { uri: { fsPath: "/project" } };
  const start = (configuration) => factory.createDebugAdapterDescriptor({ configuration, workspaceFolder: folder });
  const asked = [provider.resolveDebugConfiguration(folder, {}), dynamic.provideDebugConfigurations()[0],
    await provider.resolveDebugConfiguration(folder, { type: "autodiff", request: "launch", name: "x" }) ?? null];
  asked.push(await start({ cwd: "/there", env: { A: "1", B: null } }));
  there = python;
  asked.push(await start({}), await start({ python: "/mine" }), await start({ port: 5678 }));
  there = { activate: async () => { throw new Error("broken"); } };
  console.warn = () => {};
  asked.push(await start({}));
  console.log(JSON.stringify(asked));
})();
"""


def test_the_extension_starts_the_adapter_with_the_selected_python():
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    run = subprocess.run(["node", "-e", EDITOR, str(FOLDER / "extension.js")], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    current, dynamic, nothing, plain, selected, own, port, broken = json.loads(run.stdout)
    assert current == {
        "type": "autodiff", "request": "launch", "name": "autodiff: current file", "program": "${file}", "cwd": "/project"
    }  # fmt: skip
    assert dynamic["program"] == "${file}"
    assert nothing is None
    adapter = ["-m", "autodiff", "dap"]
    assert plain["args"] == adapter
    assert plain["command"].startswith("python")
    assert plain["options"] == {"env": {"A": "1"}, "cwd": "/there"}
    assert [selected["command"], own["command"], broken["command"]] == ["/env/bin/python", "/mine", plain["command"]]
    assert port == {"port": 5678}


def test_what_the_extension_offers_is_what_launch_takes():
    offered = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    (debugger,) = offered["contributes"]["debuggers"]
    assert debugger["type"] == "autodiff"
    assert (FOLDER / offered["main"]).is_file()
    properties = set(debugger["configurationAttributes"]["launch"]["properties"])
    assert properties - {"python", "port"} == {
        "program",
        "module",
        "args",
        "cwd",
        "env",
        "stopOnEntry",
    }  # two are the extension's
    assert offered["contributes"]["breakpoints"] == [{"language": "python"}]
