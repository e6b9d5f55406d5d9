"""What `make docs` does beside mkdocs: pages of the repository's other folders become the site's.

Those pages are written to be read where they are, so their links start there; on the site all
pages are side by side.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "sample_models/README.md": "sample-models.md",
    "CITATION.cff": "CITATION.cff",
    "LICENSE": "LICENSE",
}
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not in docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let the links of a page lead to pages of the site."""
    source = Path(page.file.abs_src_path).relative_to(ROOT).as_posix()
    return LINK.sub(lambda link: f"]({_on_site(source, link[1])}{link[2] or ''})", markdown)


def _on_site(source: str, link: str) -> str:
    """Return where a link of a page leads to on the site; what is not there is left as it is."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return PAGES.get(target, target.removeprefix("docs/") if target.startswith("docs/") else link)
