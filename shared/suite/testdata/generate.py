"""Writes json_schema.json: answers of another implementation of JSON Schema, to compare with.

    pip install jsonschema==4.26.0 pyyaml && python generate.py

Schemas and values are drawn with a fixed seed from the keywords that `suite` checks; besides, the
documents of good.yaml and bad.yaml are judged by schemas/suites/suite.schema.json.
"""

import importlib.metadata
import json
import pathlib
import random

import jsonschema
import yaml

SEED = 20251124
HERE = pathlib.Path(__file__).parent
random.seed(SEED)
pick = random.choice


def value(depth=0):
    simple = [None, True, False, 0, 1, 2, -1, 3, 1.0, 0.5, 10, "", "a", "ab", "abc", "ü", "1"]
    if depth > 2 or random.random() < 0.55:
        return pick(simple)
    if random.random() < 0.5:
        return [value(depth + 1) for _ in range(random.randrange(4))]
    return {pick("abcd"): value(depth + 1) for _ in range(random.randrange(4))}


def schema(depth=0, defs=()):
    if random.random() < 0.05:
        return pick([True, False])
    out = {}
    types = ["null", "boolean", "integer", "number", "string", "array", "object"]
    for _ in range(random.randrange(1, 4)):
        word = pick([
            "type", "type", "enum", "const", "properties", "required", "additionalProperties",
            "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "minLength",
            "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
            "multipleOf", "anyOf", "allOf", "oneOf", "not", "minProperties", "maxProperties",
            "propertyNames", "$ref",
        ])
        inner = lambda: schema(depth + 1, defs) if depth < 2 else {"type": pick(types)}
        few = lambda: [inner() for _ in range(random.randrange(1, 4))]
        if word == "type":
            out[word] = pick(types) if random.random() < 0.7 else random.sample(types, 2)
        elif word == "enum":
            out[word] = [value(1) for _ in range(3)]
        elif word == "const":
            out[word] = value(1)
        elif word == "properties":
            out[word] = {pick("abcd"): inner() for _ in range(2)}
        elif word == "required":
            out[word] = random.sample("abcd", random.randrange(3))
        elif word in ("additionalProperties", "items", "not"):
            out[word] = inner() if random.random() < 0.7 else pick([True, False])
        elif word in ("prefixItems", "anyOf", "allOf", "oneOf"):
            out[word] = few()
        elif word == "uniqueItems":
            out[word] = pick([True, True, False])
        elif word == "pattern":
            out[word] = pick(["^a", "b$", "[0-9]", "^.$"])
        elif word == "multipleOf":
            out[word] = pick([1, 2, 3])
        elif word == "propertyNames":
            out[word] = {"pattern": "^[abc]$"}
        elif word == "$ref":
            if defs:
                out[word] = "#/$defs/" + pick(defs)
        elif word.startswith("exclusive") or word in ("minimum", "maximum"):
            out[word] = pick([-1, 0, 0.5, 1, 2])
        else:
            out[word] = random.randrange(4)
    return out


def judge(one, values):
    jsonschema.Draft202012Validator.check_schema(one)
    validator = jsonschema.Draft202012Validator(one)
    return [validator.is_valid(each) for each in values]


cases = []
while len(cases) < 400:
    one = schema(defs=("x", "y"))
    if isinstance(one, dict):
        one["$defs"] = {"x": {"type": pick(["string", "number", "object"])}, "y": schema(2)}
    values = [value() for _ in range(8)]
    valid = judge(one, values)
    # Schemas that say the same of everything teach little.
    if len(set(valid)) == 1 and random.random() < 0.8:
        continue
    cases.append({"schema": one, "values": values, "valid": valid})

published = json.loads((HERE / "../../../schemas/suites/suite.schema.json").read_text())
documents = {
    name: judge(published, list(yaml.safe_load_all((HERE / f"{name}.yaml").read_text())))
    for name in ("good", "bad")
}

header = {
    "generator": "generate.py",
    "jsonschema": importlib.metadata.version("jsonschema"),
    "seed": SEED,
    "documents": documents,
}
text = json.dumps(header, indent=1)[:-2]
text += ",\n \"cases\": [\n  " + ",\n  ".join(json.dumps(case) for case in cases) + "\n ]\n}\n"
(HERE / "json_schema.json").write_text(text)
