"""What the real Hub accepts as the metadata of a card, as its messages and the specification of cards tell.

The specification is modelcard.md of huggingface/hub-docs; the messages are those that people report in issues.
"""

import math
import re
from typing import Any

import yaml

_LICENSES = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc
cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0
cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c
ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa
unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1
llama3.2 llama3.3 llama4 grok2-community gemma unknown other
"""
LICENSES = _LICENSES.split()
RELATIONS = ("adapter", "finetune", "merge", "quantized")
COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
IDENTIFIER = re.compile(r"([\w-][\w.-]*/)?[\w-][\w.-]*", re.ASCII)
HEADER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*$", re.M | re.S)


def check_card(content: str, kind: str = "model") -> tuple[list[str], list[str]]:
    """The errors and the warnings for the README.md of a model, a dataset or a Space."""
    header = HEADER.match(content)
    try:
        data = yaml.safe_load(header[1]) if header else None
    except yaml.YAMLError as error:
        return [f"Invalid YAML: {' '.join(str(error).split())}"], []
    if not data:
        return [], ["empty or missing yaml metadata in repo card"]
    if not isinstance(data, dict):
        return ["the metadata must be an object"], []
    errors = _check_types(data) + _check_values(data)
    errors += _check_space(data) if kind == "space" else _check_model_index(data.get("model-index"))
    return errors, []


def _check_types(data: dict[str, Any]) -> list[str]:
    errors = []
    for name in ("tags", "datasets", "metrics", "models", "preload_from_hub"):
        values = data.get(name, [])
        listed = [values] if isinstance(values, str) and name == "datasets" else values
        if not isinstance(listed, list):
            errors.append(f'"{name}" must be an array')
            continue
        errors += [f'"{name}[{i}]" must be a string' for i, v in enumerate(listed) if not isinstance(v, str)]
    if not isinstance(data.get("widget", []), list):
        errors.append('"widget" must be an array')
    texts = (
        "library_name",
        "pipeline_tag",
        "title",
        "emoji",
        "license_name",
        "license_link",
        "short_description",
    )
    errors += [f'"{name}" must be a string' for name in texts if not isinstance(data.get(name, ""), str)]
    return errors


def _check_values(data: dict[str, Any]) -> list[str]:
    errors = []
    licenses = data.get("license", [])
    if any(name not in LICENSES for name in ([licenses] if isinstance(licenses, str) else licenses)):
        errors.append(f'"license" must be one of [{", ".join(LICENSES)}]')
    for name, page in (("base_model", "models"), ("datasets", "datasets")):
        ids = data.get(name) or []
        for identifier in [ids] if isinstance(ids, str) else ids:
            if isinstance(identifier, str) and not IDENTIFIER.fullmatch(identifier):
                errors.append(
                    f'"{name}" with value "{identifier}" is not valid. Use an id from https://hf.co/{page}.'
                )
    if data.get("base_model_relation", "merge") not in RELATIONS:
        errors.append(f'"base_model_relation" must be one of [{", ".join(RELATIONS)}]')
    return errors


def _check_model_index(index: Any) -> list[str]:
    if index is None:
        return []
    if not isinstance(index, list):
        return ['"model-index" must be an array']
    errors = []
    for i, model in enumerate(index):
        errors += _require(model, f"model-index[{i}]", name=str, results=list)
        for j, result in enumerate(model.get("results") or []):
            place = f"model-index[{i}].results[{j}]"
            errors += _require(result, place, task=dict, metrics=list)
            errors += _require(result.get("task") or {}, f"{place}.task", type=str)
            if "dataset" in result:
                errors += _require(result["dataset"], f"{place}.dataset", type=str, name=str)
            for k, metric in enumerate(result.get("metrics") or []):
                errors += _require(metric, f"{place}.metrics[{k}]", type=str)
                value = metric.get("value")
                if value is None or (isinstance(value, float) and not math.isfinite(value)):
                    errors.append(f'"{place}.metrics[{k}].value" is required')
    return errors


def _require(data: dict[str, Any], place: str, **kinds: type) -> list[str]:
    names = {str: "a string", list: "an array", dict: "an object"}
    missing = [f'"{place}.{name}" is required' for name in kinds if name not in data]
    wrong = [
        (name, kind) for name, kind in kinds.items() if name in data and not isinstance(data[name], kind)
    ]
    return missing + [f'"{place}.{name}" must be {names[kind]}' for name, kind in wrong]


def _check_space(data: dict[str, Any]) -> list[str]:
    errors = []
    if data.get("sdk") not in ("gradio", "docker", "static"):
        errors.append('"sdk" must be one of [gradio, docker, static]')
    for name in ("colorFrom", "colorTo"):
        if data.get(name, "red") not in COLORS:
            errors.append(f'"{name}" must be one of [{", ".join(COLORS)}]')
    if len(data.get("short_description", "")) > 60:
        errors.append('"short_description" length must be less than or equal to 60 characters long')
    return errors
