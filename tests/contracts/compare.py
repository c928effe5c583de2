"""Whether a schema may replace another within a version: readers of the old one must be able to read the new."""

from typing import Any, Final

_FLOORS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_CEILINGS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def compare(old: dict[str, Any], new: dict[str, Any], name: str) -> list[str]:
    """One sentence for each incompatible change, which says what to do instead. Empty when all is well."""
    return [f"{name}: {sentence}" for sentence in _object(_resolve(old), _resolve(new), "")]


def _resolve(document: dict[str, Any]) -> dict[str, Any]:
    definitions = document.get("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return inline(definitions[node["$ref"].removeprefix("#/$defs/")])
            return {key: inline(value) for key, value in node.items() if key != "$defs"}
        return [inline(each) for each in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = inline(document)
    return resolved


def _object(old: dict[str, Any], new: dict[str, Any], path: str) -> list[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    must_before, must_after = set(old.get("required", [])), set(new.get("required", []))
    found: list[str] = []
    for field in before:
        where = f"{path}{field}"
        if field not in after:
            found.append(f"field `{where}` was removed; keep it and say it is deprecated, or publish a v2 beside it")
            continue
        if field in must_before and field not in must_after:
            found.append(f"field `{where}` is no longer always there; readers rely on it, so keep it required")
        if field not in must_before and field in must_after:
            found.append(f"field `{where}` became required; records already written lack it, so keep it optional")
        found += _value(before[field], after[field], where)
    for field in after.keys() - before.keys():
        if field in must_after:
            found.append(f"new field `{path}{field}` is required; give it a default, since written records lack it")
    return found


def _value(old: dict[str, Any], new: dict[str, Any], where: str) -> list[str]:
    kinds_before, kinds_after = _kinds(old), _kinds(new)
    if kinds_before != kinds_after:
        change = f"from {'/'.join(sorted(kinds_before))} to {'/'.join(sorted(kinds_after))}"
        return [f"the type of `{where}` changed {change}; add a field of the new type beside it"]
    found: list[str] = []
    one, other = _narrow(old), _narrow(new)
    for bound in (*_FLOORS, *_CEILINGS):
        before, after = one.get(bound), other.get(bound)
        tighter = after is not None and (before is None or (after > before if bound in _FLOORS else after < before))
        if tighter:
            found.append(f"`{bound}` of `{where}` went from {before} to {after}; records already written may break it")
    for keyword in ("pattern", "format", "const"):
        if one.get(keyword) != other.get(keyword):
            found.append(f"`{keyword}` of `{where}` changed; add a field beside it instead")
    for keyword in ("enum", "x-extensible-enum"):
        if gone := [value for value in one.get(keyword, []) if value not in other.get(keyword, [])]:
            found.append(f"`{where}` lost the value {gone[0]}; keep it, records with it are on the topic")
    if one.get("type") == "object":
        found += _object(one, other, f"{where}.")
    if one.get("type") == "array":
        found += _value(one.get("items", {}), other.get("items", {}), f"{where}[]")
    return found


def _kinds(node: dict[str, Any]) -> frozenset[str]:
    branches = node.get("anyOf", [node])
    return frozenset(str(branch.get("type", "any")) for branch in branches)


def _narrow(node: dict[str, Any]) -> dict[str, Any]:
    """The branch that is not null."""
    branches = [branch for branch in node.get("anyOf", [node]) if branch.get("type") != "null"]
    return branches[0] if branches else node
