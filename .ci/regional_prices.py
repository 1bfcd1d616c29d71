#!/usr/bin/env python3
"""Writes src/bedrock/price/regional.rs from the price map inside PyPI's litellm, which is MIT-licensed (see NOTICE).

    pip download litellm --no-deps && .ci/regional_prices.py litellm-*.whl && cargo fmt

The other files beside it are the prices of us-east-1 and of `global.`, and are kept by hand; a row is written for a
region or a geography where the map has another price than follows from them.
"""

import json
import re
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "src/bedrock/price"
MAP = "litellm/model_prices_and_context_window_backup.json"
GEOGRAPHIES = ("us", "eu", "apac", "au", "jp", "ca", "in", "uk", "us-gov")
IN_ONE_GEOGRAPHY = 1.1
ROW = re.compile(r'(Row::new|Row::embeddings|row|newer|cached|gpt)\(\s*"([^"]+)",\s*([\d._]+)(?:,\s*([\d._]+))?([^;]*?)(?=\n    (?:Row|row|newer|cached|gpt|//)|\n\])')
VERSION = re.compile(r"(-\d{8})?(|:.*|-v\d+(:.*)?)")


def base_prices():
    """Model -> (input, output, whether that is through `global.` alone), in USD per million tokens."""
    prices = {}
    for name in ("amazon.rs", "anthropic.rs", "others.rs"):
        text = (FOLDER / name).read_text()
        for kind, model, price, output, rest in ROW.findall(text):
            everywhere = kind not in ("newer", "cached", "gpt") and "through_global" not in rest
            number = lambda text: float(text.replace("_", ""))
            prices[model] = (number(price), number(output) if output else 0.0, not everywhere)
    return prices


def model_of(name, prices):
    """The row that a model's id is of, in any version."""
    return next((model for model in prices if name.startswith(model) and VERSION.fullmatch(name[len(model):])), None)


def placed(key):
    """The place and the model's id of a key of the map; none of what is no price on demand of one place."""
    parts = key.removeprefix("bedrock/").split("/")
    if len(parts) == 2 and re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", parts[0]):
        return parts[0], parts[1]
    geography, _, name = key.partition(".")
    return (geography, name) if geography in GEOGRAPHIES else None


def regional(prices, map_):
    """(model, input, output) -> places, where the map has another price than follows from the rows."""
    found = defaultdict(set)
    for key, entry in map_.items():
        place = placed(key)
        if not place or not entry.get("litellm_provider", "").startswith("bedrock"):
            continue
        model = model_of(place[1], prices)
        if not model or not entry.get("input_cost_per_token"):
            continue
        base_input, base_output, through_global = prices[model]
        price = round(entry["input_cost_per_token"] * 1e6, 6)
        output = round(entry.get("output_cost_per_token", 0) * 1e6, 6)
        factor = IN_ONE_GEOGRAPHY if through_global else 1.0
        as_derived = abs(price / (base_input * factor) - 1) < 1e-3
        # GovCloud's prices follow from nothing.
        if as_derived and not place[0].startswith("us-gov"):
            continue
        ratio = price / base_input
        same = not base_output or abs(output / base_output / ratio - 1) < 0.05
        # What is out of proportion is wrong in one of the two.
        if 1 <= ratio <= 2 and same:
            found[model, price, output].add(place[0])
    return found


def main():
    wheel = Path(sys.argv[1])
    with zipfile.ZipFile(wheel) as archive:
        map_ = json.loads(archive.read(MAP))
    version = wheel.name.split("-")[1]
    rows = regional(base_prices(), map_)
    lines = [
        "//! Where a model costs otherwise than its row and `global.` say: by regions, and by the geographies of inference",
        "//! profiles. Written by `.ci/regional_prices.py`, not by hand.",
        "//!",
        f"//! From the price map of litellm {version} (MIT; see `NOTICE`). What is out of proportion there is left out.",
        "",
        "use super::Regional;",
        "",
        "pub(super) const ROWS: &[Regional] = &[",
    ]
    for (model, price, output), places in sorted(rows.items()):
        named = ", ".join(f'"{place}"' for place in sorted(places))
        lines.append(f'    Regional::new("{model}", {float(price)!r}, {float(output)!r}, &[{named}]),')
    lines.append("];")
    (FOLDER / "regional.rs").write_text("\n".join(lines) + "\n")
    print(f"{len(rows)} rows")


if __name__ == "__main__":
    main()
