"""docker-compose.yml, the proxy's configuration and deploy/kubernetes, read as the tools would that are not there."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PROXY = ROOT / "deploy/proxy/nginx.conf.template"
OVERLAY = ROOT / "deploy/kubernetes/overlays/example"


def assemble(folder=OVERLAY):
    """Return the manifests of a kustomization and of those that it builds on, without its patches."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    manifests = []
    for resource in kustomization["resources"]:
        path = folder / resource
        if path.is_dir():
            manifests += assemble(path)
        else:
            manifests += yaml.safe_load_all(path.read_text())
    return manifests


def fill_in(template, values):
    """Fill in a template as the image's envsubst does: known names only, so that nginx's variables stay."""
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], template)
